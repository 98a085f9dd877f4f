import { Button, TextInput } from "@carbon/react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { changeSpace, deleteSpace } from "../../../api/manage";
import { Problem } from "../../../kit/Problem";
import { Section } from "../../../kit/Section";
import { useChange } from "../../../kit/useChange";
import { paths } from "../../../paths";

/** Pausing, resuming and deleting a space; to delete it, its name is typed. */
export function Ending({ space, name, paused }: { space: string; name: string; paused: boolean }) {
  const [typed, setTyped] = useState("");
  const [, go] = useLocation();
  const client = useQueryClient();
  const pause = useChange((value: boolean) => changeSpace(space, "paused", value), ["space", space]);
  const end = useChange(
    () => deleteSpace(space),
    ["spaces"],
    () => {
      client.removeQueries({ queryKey: ["space", space] });
      go(paths.spaces);
    },
  );
  return (
    <>
      <Section title={paused ? "Paused" : "Pause"} about={paused ? "No run starts; those that wait go on waiting." : "Runs that work go on to their end, no other one starts."}>
        <Problem error={pause.error} />
        <Button kind="tertiary" size="md" disabled={pause.isPending} onClick={() => pause.mutate(!paused)}>
          {paused ? "Resume the space" : "Pause the space"}
        </Button>
      </Section>
      <Section title="Delete" about="All that is in the space goes: assets, deployments, jobs, runs and their results.">
        <Problem error={end.error} title="The space was not deleted" />
        <div className="inline-form">
          <TextInput id="typed" labelText={`To delete it, type its name: ${name}`} value={typed} onChange={(event) => setTyped(event.target.value)} />
          <Button kind="danger" size="md" disabled={typed !== name || end.isPending} onClick={() => end.mutate()}>
            Delete the space
          </Button>
        </div>
      </Section>
    </>
  );
}

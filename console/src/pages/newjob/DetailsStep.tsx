import { TextArea, TextInput } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { queryClient, type Target, targetQuery, targetsQuery } from "../../api";
import { Choice, invalid, Problem, useAddress } from "../../kit";
import type { StepProps } from "./choices";

/** What the job is called and what it runs. */
export const DetailsStep = ({ space, target, field, error }: StepProps) => (
  <>
    <TextInput {...field("name", "job.name")} labelText="Name" required />
    <TextArea {...field("description", "job.description")} labelText="Description (optional)" rows={3} />
    <WhatItRuns space={space} target={target} error={error} />
  </>
);

const WORDS: Record<string, string> = {
  model: "deployed model",
  function: "deployed function",
  py_script: "deployed script",
  code_package: "code package",
  orchestration_flow: "flow",
};

export const targetText = ({ name, type }: Target) => `${name} (${WORDS[type] ?? type})`;

function WhatItRuns({ space, target, error }: Pick<StepProps, "space" | "target" | "error">) {
  const { data = [], error: problem } = useQuery(targetsQuery(space));
  const [, navigate] = useLocation();
  const address = useAddress();
  const listed = target && !data.some(({ id }) => id === target.id) ? [target, ...data] : data;
  const choose = (id: string) => {
    const found = listed.find((each) => each.id === id);
    // Known at once, so that the form stays as it is.
    if (found) queryClient.setQueryData(targetQuery(space, found.kind, id).queryKey, found);
    navigate(address({ deployment: null, asset: null, ...(found ? { [found.kind]: id } : {}) }), { replace: true });
  };
  return (
    <>
      <Problem error={problem} title="What can be run is not known" />
      <Choice
        id="asset_ref"
        labelText="What it runs"
        helperText="A deployment, or a script, notebook, code package or flow of this space."
        value={target?.id ?? ""}
        {...invalid(error, "asset_ref")}
        onChange={(event) => choose(event.target.value)}
        options={[["", "Choose"], ...listed.map((each) => [each.id, targetText(each)] as const)]}
      />
    </>
  );
}

import { Button, TextInput } from "@carbon/react";
import { useState } from "react";
import { useLocation } from "wouter";
import { type Deployment, patch, queryClient, type Schemas, send, type Space, useChange, useRead } from "../../../api";
import { bytes, Choice, counted, invalid, Problem, Section, SendForm, useForm, useSettled, useSpace, wrong } from "../../../kit";
import type { TabProps } from "../SpacePage";
import { Channels } from "./Channels";
import { Members } from "./Members";
import { paths } from "../../../paths";

/** Who belongs here, where it tells of its runs, what it keeps, how much at once, and its end. */
export default function ManageTab({ space }: TabProps) {
  const { data } = useSpace(space);
  return (
    <>
      <Members space={space} />
      <Channels space={space} />
      {data && <Retention key={JSON.stringify(data.entity.retention)} space={space} held={data.entity.retention} />}
      <Limits space={space} />
      {data && <Pause at={`/v2/spaces/${space}`} space={data} />}
      {data && <End at={`/v2/spaces/${space}`} name={data.entity.name} />}
    </>
  );
}

const DEPLOYMENTS = "/ml/v4/deployments";

function Limits({ space }: TabProps) {
  const { data, error } = useRead(DEPLOYMENTS, { space_id: space, limit: 200 });
  return (
    <Section title="Limits" about="How many runs of a deployment work at once; the others wait in its queue." error={error}>
      {data?.resources.length === 0 && <p className="muted">There is no deployment yet.</p>}
      {data?.resources.map((each) => <Limit key={`${each.metadata.id} ${each.entity.batch?.max_running}`} space={space} deployment={each} />)}
    </Section>
  );
}

function Limit({ space, deployment: { metadata: { id }, entity: { name, batch } } }: TabProps & { deployment: Deployment }) {
  const form = useForm({ most: String(batch?.max_running ?? 1) }, {
    send: ({ most }) => patch(`${DEPLOYMENTS}/${id}`, { "/batch/max_running": Number(most) }, { space_id: space }),
    below: DEPLOYMENTS,
  });
  const own = `limit-${id}`;
  return (
    <SendForm inline of={form} action="Set" button={{ size: "sm", kind: "tertiary", "aria-label": `Set limit of ${name}` }}>
      <TextInput
        {...form.field("most")}
        {...wrong(own, form.error?.message ?? null)}
        id={own}
        size="sm"
        inputMode="numeric"
        labelText={`Runs at once of ${name}`}
      />
    </SendForm>
  );
}

function Pause({ at, space: { entity: { paused } } }: { at: string; space: Space }) {
  const pause = useChange(() => patch(at, { "/paused": !paused }), at);
  const about = paused ? "No run starts; those that wait go on waiting." : "Runs that work go on to their end, no other one starts.";
  return (
    <Section title={paused ? "Paused" : "Pause"} about={about} error={pause.error}>
      <Button kind="tertiary" size="md" disabled={pause.isPending} onClick={() => pause.mutate()}>
        {paused ? "Resume the space" : "Pause the space"}
      </Button>
    </Section>
  );
}

/** To delete a space, its name is typed. */
function End({ at, name }: { at: string; name: string }) {
  const [typed, setTyped] = useState("");
  const [, go] = useLocation();
  const end = useChange(() => send("DELETE", at), "/v2/space_summaries", () => {
    queryClient.removeQueries({ queryKey: [at] });
    go(paths.spaces);
  });
  return (
    <Section title="Delete" about="All that is in the space goes: assets, deployments, jobs, runs and their results.">
      <Problem error={end.error} title="The space was not deleted" />
      <div className="inline-form">
        <TextInput id="typed" labelText={`To delete it, type its name: ${name}`} value={typed} onChange={({ target }) => setTyped(target.value)} />
        <Button kind="danger" size="md" disabled={typed !== name || end.isPending} onClick={() => end.mutate()}>Delete the space</Button>
      </div>
    </Section>
  );
}

const KINDS = [["default", "As this server does"], ["days", "Runs for some days"], ["amount", "The newest runs of each job"]] as const;

type RetentionProps = { space: string; held: { days?: number; amount?: number } | undefined };

/** What holds for jobs without a policy of their own; its effect is told before it is set. */
function Retention({ space, held }: RetentionProps) {
  const at = `/v2/spaces/${space}`;
  const policyOf = ({ kind, number }: Record<"kind" | "number", string>) => (kind === "default" ? null : { [kind]: Number(number) });
  const form = useForm(
    { kind: held?.days ? "days" : held?.amount ? "amount" : "default", number: String(held?.days ?? held?.amount ?? 30) },
    { send: (values) => patch(at, { "/retention": policyOf(values) }), below: at },
  );
  const { kind } = form.values;
  const tried = useSettled(policyOf(form.values));
  const effect = useRead("/v2/spaces/{space_id}/retention_preview", { space_id: space, ...tried }, { retry: false });
  const error = form.error ?? effect.error;
  return (
    <Section title="Retention" about="For runs of jobs that have no policy of their own. Pinned runs stay.">
      <SendForm inline of={form} action="Set retention">
        <Choice {...form.field("kind")} labelText="Keep" options={KINDS} />
        {kind !== "default" && (
          <TextInput
            {...form.field("number")}
            {...invalid(error, "number", "retention_policy", "retention_policy.days", "retention_policy.amount", "days", "amount")}
            inputMode="numeric"
            labelText={kind === "days" ? "Days" : "Runs"}
          />
        )}
      </SendForm>
      {kind === "default" && <Problem error={error} />}
      {effect.data && !effect.error && <p role="status">{sentence(effect.data)}</p>}
    </Section>
  );
}

function sentence({ runs, jobs, own, bytes: size, bytes_exact: exact }: Schemas["SpaceEffect"]): string {
  const others = own > 0 ? ` (${own} of ${jobs} jobs have policies of their own, and keep them)` : "";
  if (runs === 0) return `It would delete nothing now${others}.`;
  return `It would delete ${counted(runs, "run")} now, ${exact ? "" : "about "}${bytes(size)}${others}.`;
}

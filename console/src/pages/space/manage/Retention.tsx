import { Button, Form, Select, SelectItem, TextInput } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { changeSpace, type Effect, effectQuery, type Policy } from "../../../api/manage";
import { bytes } from "../../../kit/bytes";
import { invalid, Problem } from "../../../kit/Problem";
import { Section } from "../../../kit/Section";
import { useChange } from "../../../kit/useChange";

const PAUSE_MS = 400;

type Kind = "default" | "days" | "amount";

/** What holds for jobs without a policy of their own; its effect is told before it is set. */
export function Retention({ space, held }: { space: string; held: { days?: number; amount?: number } | undefined }) {
  const [kind, setKind] = useState<Kind>(held?.days ? "days" : held?.amount ? "amount" : "default");
  const [number, setNumber] = useState(String(held?.days ?? held?.amount ?? 30));
  const policy = kind === "default" ? null : ({ [kind]: Number(number) } as Policy);
  const change = useChange((wanted: Policy | null) => changeSpace(space, "retention", wanted), ["space", space]);
  const tried = useLater(policy);
  const effect = useQuery(effectQuery(space, tried));
  const wrong = change.error ?? effect.error;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(policy);
  };
  return (
    <Section title="Retention" about="For runs of jobs that have no policy of their own. Pinned runs stay.">
      <Form noValidate className="inline-form" onSubmit={submit}>
        <Select id="kind" labelText="Keep" value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
          <SelectItem value="default" text="As this server does" />
          <SelectItem value="days" text="Runs for some days" />
          <SelectItem value="amount" text="The newest runs of each job" />
        </Select>
        {kind !== "default" && (
          <TextInput
            id="number"
            inputMode="numeric"
            labelText={kind === "days" ? "Days" : "Runs"}
            value={number}
            {...invalid(wrong, "number", "retention_policy", "retention_policy.days", "retention_policy.amount", "days", "amount")}
            onChange={(event) => setNumber(event.target.value)}
          />
        )}
        <Button size="md" type="submit" disabled={change.isPending}>
          Set retention
        </Button>
      </Form>
      {wrong && kind === "default" && <Problem error={wrong} />}
      {effect.data && !effect.error && <p role="status">{sentence(effect.data)}</p>}
    </Section>
  );
}

function sentence({ runs, jobs, own, bytes: size, bytes_exact: exact }: Effect): string {
  const others = own > 0 ? ` (${own} of ${jobs} jobs have policies of their own, and keep them)` : "";
  if (runs === 0) return `It would delete nothing now${others}.`;
  return `It would delete ${runs.toLocaleString("en")} ${runs === 1 ? "run" : "runs"} now, ${exact ? "" : "about "}${bytes(size)}${others}.`;
}

/** Follows a value a moment after it last changed. */
function useLater(policy: Policy | null): Policy | null {
  const [later, setLater] = useState(policy);
  const text = JSON.stringify(policy);
  useEffect(() => {
    const timer = setTimeout(() => setLater(JSON.parse(text) as Policy | null), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return later;
}

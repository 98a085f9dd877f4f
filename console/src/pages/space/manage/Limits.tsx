import { Button, Form, TextInput } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { changeLimit, type Limited, limitsQuery } from "../../../api/manage";
import { Problem } from "../../../kit/Problem";
import { Section } from "../../../kit/Section";
import { useChange } from "../../../kit/useChange";

export function Limits({ space }: { space: string }) {
  const { data, error } = useQuery(limitsQuery(space));
  return (
    <Section title="Limits" about="How many runs of a deployment work at once; the others wait in its queue.">
      <Problem error={error} />
      {data?.resources.length === 0 && <p className="muted">There is no deployment yet.</p>}
      {data?.resources.map((deployment) => (
        <Limit key={`${deployment.metadata.id} ${deployment.entity.batch?.max_running}`} space={space} deployment={deployment} />
      ))}
    </Section>
  );
}

function Limit({ space, deployment }: { space: string; deployment: Limited }) {
  const id = deployment.metadata.id;
  const [most, setMost] = useState(String(deployment.entity.batch?.max_running ?? 1));
  const change = useChange(() => changeLimit(space, id, Number(most)), ["manage", space, "limits"]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <Form noValidate className="inline-form" onSubmit={submit}>
      <TextInput
        id={`limit-${id}`}
        size="sm"
        inputMode="numeric"
        labelText={`Runs at once of ${deployment.entity.name}`}
        value={most}
        invalid={change.isError}
        invalidText={change.error?.message ?? ""}
        {...(change.isError ? { "aria-describedby": `limit-${id}-error-msg` } : {})}
        onChange={(event) => setMost(event.target.value)}
      />
      <Button size="sm" kind="tertiary" type="submit" disabled={change.isPending} aria-label={`Set limit of ${deployment.entity.name}`}>
        Set
      </Button>
    </Form>
  );
}

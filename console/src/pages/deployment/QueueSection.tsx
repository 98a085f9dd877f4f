import { Button, Form, TextInput } from "@carbon/react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Link } from "wouter";
import { type DeploymentGlance, type QueuedRun, queueQuery, setLimit } from "../../api/deployments";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { invalid, Problem, useFocusOnInvalid } from "../../kit/Problem";
import { QueueStrip } from "../../kit/QueueStrip";
import { Section } from "../../kit/Section";
import { Status } from "../../kit/Status";
import { Time } from "../../kit/Time";
import { paths } from "../../paths";

/** What works and what waits, in order, each with why; and how many may work at once. */
export function QueueSection({ space, deployment }: { space: string; deployment: DeploymentGlance }) {
  const { data, error } = useQuery(queueQuery(space, deployment.id));
  const rows = [...(data?.working ?? []), ...(data?.waiting ?? [])];
  const left = (data?.queued ?? 0) - (data?.waiting.length ?? 0);
  return (
    <Section title="Queue">
      <Problem error={error} title="The queue cannot be shown" />
      <QueueStrip running={deployment.running} limit={deployment.max_running} queued={deployment.queued} />
      <Limit key={deployment.max_running} space={space} deployment={deployment} />
      {rows.length > 0 && <CursorTable label="Queue" columns={columns(space)} rows={rows} rowKey={(run) => run.id} next={null} />}
      {rows.length === 0 && <p className="muted">Nothing works or waits.</p>}
      {left > 0 && <p className="muted">And {left.toLocaleString("en")} more behind them.</p>}
    </Section>
  );
}

const columns = (space: string): Column<QueuedRun>[] => [
  { header: "Place", numeric: true, cell: ({ place }) => place ?? "-" },
  { header: "Run", cell: (run) => <Link href={paths.run(space, run.job_id, run.id)}>{run.name}</Link> },
  { header: "State", cell: ({ state }) => <Status state={state} /> },
  { header: "Since", cell: ({ started_at: started, created_at: created }) => <Time at={started ?? created} /> },
  { header: "Why it waits", cell: ({ reason }) => reason ?? "" },
  { header: "Probable start", cell: ({ estimated_start: at }) => (at ? <Time at={at} /> : "") },
];

function Limit({ space, deployment: { id, max_running: now } }: { space: string; deployment: DeploymentGlance }) {
  const [limit, setText] = useState(String(now));
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: () => setLimit(space, id, Number(limit)),
    onSuccess: () => client.invalidateQueries({ queryKey: ["deployment", space, id] }),
  });
  useFocusOnInvalid(change.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <Form className="limit" noValidate onSubmit={submit}>
      <TextInput
        id="batch.max_running"
        type="number"
        size="md"
        labelText="Runs at the same time"
        value={limit}
        {...invalid(change.error, "batch.max_running")}
        onChange={(event) => setText(event.target.value)}
      />
      <Button type="submit" kind="tertiary" size="md" disabled={change.isPending || limit === String(now)}>
        Change the limit
      </Button>
    </Form>
  );
}

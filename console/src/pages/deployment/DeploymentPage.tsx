import { Button, TextInput } from "@carbon/react";
import { Link } from "wouter";
import { fieldsOf, LIVE, patch, type Schemas, useRead, wordOf } from "../../api";
import {
  type Column, ConfirmDelete, Copy, count, counted, CursorTable, duration, type Fact, Facts,
  Page, Problem, QueueStrip, RunBars, Section, SendForm, Status, Time, useForm, useSpaceCrumbs,
} from "../../kit";
import { Schema } from "../asset/parts";
import { Snippet } from "./Snippet";
import { paths } from "../../paths";

type Deployment = Schemas["DeploymentGlance"];

/** A deployment: what it runs on, what waits and why, its jobs, and how programs use it. */
export default function DeploymentPage({ space, deployment: id }: { space: string; deployment: string }) {
  const { data, error } = useRead("/v2/deployment_summaries/{deployment_id}", { deployment_id: id, space_id: space }, LIVE);
  const crumbs = useSpaceCrumbs(space, paths.tab(space, "deployments"));
  return (
    <Page key={data?.name} title={data?.name ?? "Deployment"} crumbs={crumbs} actions={data && <Actions space={space} deployment={data} />}>
      <Problem error={error} title="The deployment cannot be shown" />
      <Problem error={data?.failure ? new Error(data.failure) : null} title="It cannot run" />
      {data && <Known space={space} deployment={data} />}
    </Page>
  );
}

function Known({ space, deployment }: { space: string; deployment: Deployment }) {
  const { data: asset } = useRead("/v2/assets/{asset_id}", { asset_id: deployment.asset_id, space_id: space });
  const fields = fieldsOf(asset?.entity[asset.metadata.asset_type]);
  return (
    <>
      {deployment.description && <p className="lead">{deployment.description}</p>}
      <Facts facts={facts(space, deployment)} />
      <Queue space={space} deployment={deployment} />
      <Schema fields={fields} />
      <Jobs space={space} id={deployment.id} />
      <Snippet space={space} deployment={deployment} fields={fields} />
    </>
  );
}

const facts = (space: string, data: Deployment): Fact[] => [
  [
    wordOf(data.asset_type),
    <>
      <Link href={paths.asset(space, data.asset_id)}>{data.asset_name ?? data.asset_id}</Link>
      {data.asset_revision && `, revision ${data.asset_revision}`}
    </>,
  ],
  ["Hardware of each run", data.hardware],
  ["Last 14 runs", data.runs.length > 0 ? <RunBars runs={data.runs} /> : "None yet"],
  ["Median duration", data.median_seconds !== null && duration(data.median_seconds)],
  ["Median wait", data.median_wait_seconds !== null && duration(data.median_wait_seconds)],
  ["Made", <Time at={data.created_at} full />],
  ["Serving name", data.serving_name],
  ["Id", <Copy text={data.id} what="the deployment's id" />],
  ["Space", <Copy text={space} what="the space's id" />],
];

function Actions({ space, deployment: { id, name, jobs, running, queued } }: { space: string; deployment: Deployment }) {
  const gone = { at: `/ml/v4/deployments/${id}?space_id=${space}`, list: "/v2/deployment_summaries?", to: paths.tab(space, "deployments") };
  return (
    <>
      <ConfirmDelete what={name} {...gone}>
        <p>{counted(jobs, "job")} and all their runs go with it; {running} running and {queued} waiting are stopped. The asset stays.</p>
      </ConfirmDelete>
      <Button as={Link} href={paths.newJob(space, { deployment: id })}>New job</Button>
    </>
  );
}

function Jobs({ space, id }: { space: string; id: string }) {
  const { data, error } = useRead("/v2/jobs", { space_id: space, asset_ref: id, limit: 100 });
  return (
    <Section title="Jobs" error={error} problem="The jobs cannot be shown">
      <ul>
        {data?.results.map(({ metadata: { asset_id: job, name } }) => <li key={job}><Link href={paths.job(space, job)}>{name}</Link></li>)}
      </ul>
    </Section>
  );
}

type QueueProps = { space: string; deployment: Schemas["DeploymentGlance"] };

/** What works and what waits, in order, each with why; and how many may work at once. */
function Queue({ space, deployment }: QueueProps) {
  const asked = { deployment_id: deployment.id, space_id: space };
  const { data, error } = useRead("/v2/deployment_summaries/{deployment_id}/queue", asked, LIVE);
  const rows = [...(data?.working ?? []), ...(data?.waiting ?? [])];
  const left = (data?.queued ?? 0) - (data?.waiting.length ?? 0);
  return (
    <Section title="Queue" error={error} problem="The queue cannot be shown">
      <QueueStrip {...deployment} />
      <Limit key={deployment.max_running} space={space} deployment={deployment} />
      {rows.length > 0 && <CursorTable label="Queue" columns={columns(space)} rows={rows} />}
      {rows.length === 0 && <p className="muted">Nothing works or waits.</p>}
      {left > 0 && <p className="muted">And {count(left)} more behind them.</p>}
    </Section>
  );
}

const columns = (space: string): Column<Schemas["QueuedRun"]>[] => [
  { header: "Place", numeric: true, cell: ({ place }) => place ?? "-" },
  { header: "Run", cell: ({ id, job_id: job, name }) => <Link href={paths.run(space, job, id)}>{name}</Link> },
  { header: "State", cell: ({ state }) => <Status state={state} /> },
  { header: "Since", cell: ({ started_at: started, created_at: created }) => <Time at={started ?? created} /> },
  { header: "Why it waits", cell: ({ reason }) => reason ?? "" },
  { header: "Probable start", cell: ({ estimated_start: at }) => (at ? <Time at={at} /> : "") },
];

function Limit({ space, deployment: { id, max_running: now } }: QueueProps) {
  const form = useForm({ "batch.max_running": String(now) }, {
    send: (limit) => patch(`/ml/v4/deployments/${id}`, { "/batch/max_running": Number(limit["batch.max_running"]) }, { space_id: space }),
    below: "/v2/deployment_summaries",
  });
  const limit = form.field("batch.max_running");
  return (
    <SendForm inline of={form} action="Change the limit" button={{ kind: "tertiary", disabled: form.pending || limit.value === String(now) }}>
      <TextInput {...limit} type="number" size="md" labelText="Runs at the same time" />
    </SendForm>
  );
}

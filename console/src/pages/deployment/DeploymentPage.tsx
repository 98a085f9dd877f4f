import { Button } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { assetQuery, fieldsOf } from "../../api/assets";
import { wordOf } from "../../api/assetKinds";
import { deleteDeployment, type DeploymentGlance, deploymentQuery, jobsOfQuery } from "../../api/deployments";
import { counted } from "../../kit/bytes";
import { ConfirmDelete } from "../../kit/ConfirmDelete";
import { Copy } from "../../kit/Copy";
import { Facts } from "../../kit/Facts";
import { Page } from "../../kit/Page";
import { Problem } from "../../kit/Problem";
import { RunBars } from "../../kit/RunBars";
import { Schema } from "../../kit/Schema";
import { Section } from "../../kit/Section";
import { useLeave, useSpaceCrumbs } from "../../kit/spacePage";
import { Time } from "../../kit/Time";
import { duration } from "../../kit/time";
import { paths } from "../../paths";
import { QueueSection } from "./QueueSection";
import { Snippet } from "./Snippet";

/** A deployment: what it runs on, what waits and why, its jobs, and how programs use it. */
export default function DeploymentPage({ space, deployment: id }: { space: string; deployment: string }) {
  const { data, error } = useQuery(deploymentQuery(space, id));
  const { data: asset } = useQuery({ ...assetQuery(space, data?.asset_id ?? ""), enabled: data !== undefined });
  const crumbs = useSpaceCrumbs(space, paths.tab(space, "deployments"));
  return (
    <Page key={data?.name} title={data?.name ?? "Deployment"} crumbs={crumbs} actions={data && <Actions space={space} deployment={data} />}>
      <Problem error={error} title="The deployment cannot be shown" />
      <Problem error={data?.failure ? new Error(data.failure) : null} title="It cannot run" />
      {data && (
        <>
          {data.description && <p className="lead">{data.description}</p>}
          <Facts facts={facts(space, data)} />
          <QueueSection space={space} deployment={data} />
          <Schema fields={fieldsOf(asset)} />
          <Jobs space={space} id={data.id} />
          <Snippet space={space} deployment={data} fields={fieldsOf(asset)} />
        </>
      )}
    </Page>
  );
}

const facts = (space: string, data: DeploymentGlance): [string, React.ReactNode][] => [
  [
    wordOf(data.asset_type),
    <>
      <Link href={paths.asset(space, data.asset_id)}>{data.asset_name ?? data.asset_id}</Link>
      {data.asset_revision && `, revision ${data.asset_revision}`}
    </>,
  ],
  ["Hardware of each run", data.hardware],
  ["Last 14 runs", data.runs.length > 0 ? <RunBars runs={data.runs} /> : "None yet"],
  ["Median duration", data.median_seconds === null ? null : duration(data.median_seconds)],
  ["Median wait", data.median_wait_seconds === null ? null : duration(data.median_wait_seconds)],
  ["Made", <Time at={data.created_at} full />],
  ["Serving name", data.serving_name],
  ["Id", <Copy text={data.id} what="the deployment's id" />],
  ["Space", <Copy text={space} what="the space's id" />],
];

function Actions({ space, deployment: { id, name, jobs, running, queued } }: { space: string; deployment: DeploymentGlance }) {
  const leave = useLeave("deployments", space);
  return (
    <>
      <ConfirmDelete what={name} remove={() => deleteDeployment(space, id)} done={() => leave(paths.tab(space, "deployments"))}>
        <p>
          {counted(jobs, "job")} and all their runs go with it; {running} running and {queued} waiting are stopped. The asset stays.
        </p>
      </ConfirmDelete>
      <Button as={Link} href={paths.newJob(space, { deployment: id })}>
        New job
      </Button>
    </>
  );
}

function Jobs({ space, id }: { space: string; id: string }) {
  const { data, error } = useQuery(jobsOfQuery(space, id));
  return (
    <Section title="Jobs">
      <Problem error={error} title="The jobs cannot be shown" />
      <ul>
        {data?.results.map(({ metadata }) => (
          <li key={metadata.asset_id}>
            <Link href={paths.job(space, metadata.asset_id)}>{metadata.name}</Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}

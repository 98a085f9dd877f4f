import { Button } from "@carbon/react";
import { Add } from "@carbon/icons-react";
import { Link } from "wouter";
import { LISTED, type Schemas, useRead, wordOf } from "../../api";
import { type Column, count, duration, Empty, List, Muted, Named, QueueStrip, RunBars, Time, UrlSearch, useParams } from "../../kit";
import { paths } from "../../paths";
import type { TabProps } from "./SpacePage";

/** What is deployed, how full each queue is, and how long one waits there. */
export default function DeploymentsTab({ space }: TabProps) {
  const { name, start } = useParams("name", "start");
  const list = useRead("/v2/deployment_summaries", { space_id: space, name, start }, LISTED);
  const empty = (
    <Empty title={name ? "No deployment is like that" : "Nothing is deployed yet"}>
      {!name && "A deployment makes a model, a function or a script ready for jobs, on hardware and with a queue of its own."}
    </Empty>
  );
  return (
    <>
      <div className="toolbar">
        <UrlSearch name="name" label="Find a deployment" />
        <Button as={Link} href={paths.newDeployment(space)} renderIcon={Add}>New deployment</Button>
      </div>
      <List label="Deployments" of={list} problem="The deployments cannot be shown" skeleton={6} columns={columns(space)} empty={empty} />
    </>
  );
}

const columns = (space: string): Column<Schemas["DeploymentGlance"]>[] => [
  {
    header: "Name",
    cell: ({ id, name, asset_name: asset, asset_type: type, asset_revision: revision, failure }) => (
      <>
        <Named to={paths.deployment(space, id)} name={name} about={<>{asset ?? wordOf(type)}{revision && `, revision ${revision}`}</>} />
        {failure && <small className="bad">{failure}</small>}
      </>
    ),
  },
  { header: "Hardware", cell: ({ hardware }) => hardware },
  { header: "Queue", cell: (each) => <QueueStrip {...each} /> },
  {
    header: "Oldest waiting",
    cell: ({ oldest_waiting_at: at, median_wait_seconds: median }) => (
      <>
        {at ? <Time at={at} /> : <Muted>None</Muted>}
        {median !== null && <small>median wait {duration(median)}</small>}
      </>
    ),
  },
  { header: "Last 14 runs", cell: ({ runs }) => <RunBars runs={runs} /> },
  { header: "Jobs", numeric: true, cell: ({ jobs }) => count(jobs) },
  {
    header: "Actions",
    cell: ({ id, name }) => <Link href={paths.newJob(space, { deployment: id })} aria-label={`New job of ${name}`}>New job</Link>,
  },
];

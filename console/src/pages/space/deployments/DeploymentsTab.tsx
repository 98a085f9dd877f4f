import { Button } from "@carbon/react";
import { Add } from "@carbon/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { type DeploymentGlance, deploymentsQuery } from "../../../api/deployments";
import { wordOf } from "../../../api/assetKinds";
import { type Column, CursorTable } from "../../../kit/CursorTable";
import { Empty } from "../../../kit/Empty";
import { Problem } from "../../../kit/Problem";
import { QueueStrip } from "../../../kit/QueueStrip";
import { RunBars } from "../../../kit/RunBars";
import { Time } from "../../../kit/Time";
import { duration } from "../../../kit/time";
import { UrlSearch } from "../../../kit/UrlSearch";
import { paths } from "../../../paths";
import type { TabProps } from "../tabs";
import { TableSkeleton } from "../../../kit/TableSkeleton";

/** What is deployed, how full each queue is, and how long one waits there. */
export default function DeploymentsTab({ space }: TabProps) {
  const [search] = useSearchParams();
  const [name, start] = [search.get("name"), search.get("start")];
  const { data, error } = useQuery(deploymentsQuery(space, { name, start }));
  return (
    <>
      <Problem error={error} title="The deployments cannot be shown" />
      <div className="toolbar">
        <UrlSearch name="name" label="Find a deployment" />
        <Button as={Link} href={paths.newDeployment(space)} renderIcon={Add}>
          New deployment
        </Button>
      </div>
      {!data && !error && <TableSkeleton columns={6} rows={6} />}
      {data?.results.length === 0 && (
        <Empty title={name ? "No deployment is like that" : "Nothing is deployed yet"}>
          {!name && "A deployment makes a model, a function or a script ready for jobs, on hardware and with a queue of its own."}
        </Empty>
      )}
      {data && data.results.length > 0 && (
        <CursorTable label="Deployments" columns={columns(space)} rows={data.results} rowKey={(each) => each.id} next={data.next} />
      )}
    </>
  );
}

const columns = (space: string): Column<DeploymentGlance>[] => [
  {
    header: "Name",
    cell: (each) => (
      <>
        <Link href={paths.deployment(space, each.id)}>{each.name}</Link>
        <small>
          {each.asset_name ?? wordOf(each.asset_type)}
          {each.asset_revision && `, revision ${each.asset_revision}`}
        </small>
        {each.failure && <small className="bad">{each.failure}</small>}
      </>
    ),
  },
  { header: "Hardware", cell: ({ hardware }) => hardware },
  { header: "Queue", cell: (each) => <QueueStrip running={each.running} limit={each.max_running} queued={each.queued} /> },
  {
    header: "Oldest waiting",
    cell: ({ oldest_waiting_at: at, median_wait_seconds: median }) => (
      <>
        {at ? <Time at={at} /> : <span className="muted">None</span>}
        {median !== null && <small>median wait {duration(median)}</small>}
      </>
    ),
  },
  { header: "Last 14 runs", cell: ({ runs }) => <RunBars runs={runs} /> },
  { header: "Jobs", numeric: true, cell: ({ jobs }) => jobs.toLocaleString("en") },
  { header: "Actions", cell: ({ id, name }) => <Link href={paths.newJob(space, { deployment: id })} aria-label={`New job of ${name}`}>New job</Link> },
];

import { Button, ProgressBar } from "@carbon/react";
import { Add } from "@carbon/icons-react";
import { Link } from "wouter";
import { LISTED, type Schemas, useRead } from "../../api";
import {
  capital, type Chip, type Column, count, duration, Empty, FilterChips, List, Muted, Named, RunBars, Status, Time, UrlSearch, useParams,
} from "../../kit";
import { paths } from "../../paths";
import type { TabProps } from "./SpacePage";
import { Timeline } from "./Timeline";

type JobGlance = Schemas["JobGlance"];

const SLOW = 1.2;

/** Are the jobs well, what runs, what comes next: filters, search and page are in the address. */
export default function JobsTab({ space }: TabProps) {
  const { view, ...asked } = useParams("name", "filter", "start", "view");
  const list = useRead("/v2/job_summaries", { space_id: space, limit: 50, ...asked }, LISTED);
  const empty = asked.name || asked.filter
    ? <Empty title="No job is like that" action={<Link href={paths.jobs(space)}>Show all jobs</Link>} />
    : <Empty title="No jobs yet">A job runs a deployment, a script, a notebook or a flow: now, or on a schedule.</Empty>;
  return (
    <>
      {list.data && <FilterChips chips={chips(list.data)} />}
      <FilterChips name="view" label="View" chips={[[null, "Table"], ["timeline", "Timeline"]]} />
      <div className="toolbar">
        <UrlSearch name="name" label="Find a job" />
        <Button as={Link} href={paths.newJob(space)} renderIcon={Add}>New job</Button>
      </div>
      {view === "timeline"
        ? <Timeline space={space} asked={asked} />
        : <List label="Jobs" of={list} problem="The jobs cannot be shown" skeleton={8} columns={columns(space)} empty={empty} />}
    </>
  );
}

const FILTERS: Schemas["JobFilter"][] = ["running", "queued", "failing", "late", "paused"];

const chips = ({ total_count, counts }: Schemas["JobGlances"]): Chip[] => [
  [null, "All", total_count],
  ...FILTERS.map((filter): Chip => [filter, capital(filter), counts[filter] ?? 0]),
];

const columns = (space: string): Column<JobGlance>[] => [
  { header: "Name", cell: ({ id, name, target }) => <Named to={paths.job(space, id)} name={name} about={target} /> },
  { header: "Last run", cell: (job) => <Last space={space} job={job} /> },
  { header: "Last 14 runs", cell: ({ runs }) => <RunBars runs={runs} /> },
  { header: "Schedule", cell: ({ schedule }) => (schedule ? <>{schedule.words}<small>{schedule.zone}</small></> : <Muted>None</Muted>) },
  {
    header: "Next run",
    cell: ({ paused, schedule }) =>
      paused ? "Paused" : schedule?.next_at ? <Time at={schedule.next_at} zone={schedule.zone} /> : <Muted>None</Muted>,
  },
  { header: "Duration", numeric: true, cell: (job) => <Duration job={job} /> },
  { header: "Bad rows", numeric: true, cell: ({ last_run: run }) => count(run?.rows_rejected ?? 0) },
];

function Last({ space, job: { id, last_run: run } }: { space: string; job: JobGlance }) {
  if (!run) return <Muted>Never</Muted>;
  const done = run.rows_total && !run.finished_at ? Math.round((100 * (run.rows_done ?? 0)) / run.rows_total) : null;
  return (
    <>
      <Status state={run.state} />
      {done !== null && <ProgressBar size="small" hideLabel label={`${done} % of the rows`} value={done} />}
      <small title={run.failure ?? undefined}>
        <Link href={paths.run(space, id, run.id)}><Time at={run.finished_at ?? run.started_at ?? run.created_at} /></Link>
      </small>
    </>
  );
}

function Duration({ job: { last_run: run, median_seconds: median } }: { job: JobGlance }) {
  if (!run || run.seconds === null) return <Muted>-</Muted>;
  const slow = median !== null && run.seconds > SLOW * median;
  return (
    <>
      {slow && <span className="bad">▲ </span>}
      {duration(run.seconds)}
      {median !== null && <small>{slow ? `slower than ${duration(median)}` : `median ${duration(median)}`}</small>}
    </>
  );
}

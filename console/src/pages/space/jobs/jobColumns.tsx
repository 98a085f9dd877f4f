import { ProgressBar } from "@carbon/react";
import { Link } from "wouter";
import type { JobGlance, LastRun } from "../../../api/jobs";
import type { Column } from "../../../kit/CursorTable";
import { RunBars } from "../../../kit/RunBars";
import { Status } from "../../../kit/Status";
import { Time } from "../../../kit/Time";
import { duration } from "../../../kit/time";
import { paths } from "../../../paths";

const SLOW = 1.2;

export const jobColumns = (space: string): Column<JobGlance>[] => [
  {
    header: "Name",
    cell: (job) => (
      <>
        <Link href={paths.job(space, job.id)}>{job.name}</Link>
        {job.target && <small>{job.target}</small>}
      </>
    ),
  },
  { header: "Last run", cell: (job) => <Last space={space} job={job} /> },
  { header: "Last 14 runs", cell: (job) => <RunBars runs={job.runs} /> },
  { header: "Schedule", cell: (job) => <Schedule job={job} /> },
  { header: "Next run", cell: (job) => <Next job={job} /> },
  { header: "Duration", numeric: true, cell: (job) => <Duration job={job} /> },
  { header: "Bad rows", numeric: true, cell: ({ last_run: run }) => (run?.rows_rejected ?? 0).toLocaleString("en") },
];

function Last({ space, job }: { space: string; job: JobGlance }) {
  const run = job.last_run;
  if (!run) return <span className="muted">Never</span>;
  return (
    <>
      <Status state={run.state} />
      <Progress run={run} />
      <small title={run.failure ?? undefined}>
        <Link href={paths.run(space, job.id, run.id)}>
          <Time at={run.finished_at ?? run.started_at ?? run.created_at} />
        </Link>
      </small>
    </>
  );
}

function Progress({ run }: { run: LastRun }) {
  if (run.finished_at || !run.rows_total) return null;
  const done = Math.round((100 * (run.rows_done ?? 0)) / run.rows_total);
  return <ProgressBar size="small" hideLabel label={`${done} % of the rows`} value={done} />;
}

function Schedule({ job: { schedule } }: { job: JobGlance }) {
  if (!schedule) return <span className="muted">None</span>;
  return (
    <>
      {schedule.words}
      <small>{schedule.zone}</small>
    </>
  );
}

function Next({ job }: { job: JobGlance }) {
  if (job.paused) return <>Paused</>;
  if (!job.schedule?.next_at) return <span className="muted">None</span>;
  return <Time at={job.schedule.next_at} zone={job.schedule.zone} />;
}

function Duration({ job: { last_run: run, median_seconds: median } }: { job: JobGlance }) {
  if (!run || run.seconds === null) return <span className="muted">-</span>;
  const slow = median !== null && run.seconds > SLOW * median;
  return (
    <>
      {slow && <span className="slow">▲ </span>}
      {duration(run.seconds)}
      {median !== null && <small>{slow ? `slower than ${duration(median)}` : `median ${duration(median)}`}</small>}
    </>
  );
}

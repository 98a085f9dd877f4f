import { Checkbox } from "@carbon/react";
import { Link } from "wouter";
import type { Run } from "../../api/runs";
import type { Column } from "../../kit/CursorTable";
import { Status } from "../../kit/Status";
import { Time } from "../../kit/Time";
import { duration } from "../../kit/time";
import { paths } from "../../paths";

interface Chosen {
  ids: string[];
  toggle: (id: string) => void;
}

export const runColumns = (space: string, job: string, { ids, toggle }: Chosen): Column<Run>[] => [
  {
    header: "Run",
    cell: (run) => (
      <Link href={paths.run(space, job, run.metadata.asset_id)}>
        <Time at={run.metadata.created_at} />
      </Link>
    ),
  },
  {
    header: "State",
    cell: (run) => (
      <>
        <Status state={run.entity.job_run.state} />
        {run.entity.job_run.failure && <small>{run.entity.job_run.failure.message}</small>}
      </>
    ),
  },
  { header: "Started by", cell: (run) => (run.entity.job_run.isScheduledRun ? "Schedule" : "Hand") },
  { header: "Waited", numeric: true, cell: ({ entity: { job_run: run } }) => spent(run.queue_start, run.execution_start) },
  { header: "Worked", numeric: true, cell: ({ entity: { job_run: run } }) => spent(run.execution_start, run.execution_end) },
  { header: "Rows", numeric: true, cell: ({ entity: { job_run: { rows } } }) => (rows?.read ?? rows?.done ?? "-").toLocaleString("en") },
  { header: "Bad rows", numeric: true, cell: ({ entity: { job_run: { rows } } }) => (rows?.rejected ?? 0).toLocaleString("en") },
  {
    header: "Compare",
    cell: ({ metadata: { asset_id: id, created_at: at } }) => (
      <Checkbox id={`compare-${id}`} hideLabel labelText={`Compare the run of ${at}`} checked={ids.includes(id)} disabled={ids.length === 2 && !ids.includes(id)} onChange={() => toggle(id)} />
    ),
  },
];

const spent = (from: number, to: number) => (from && to ? duration(Math.max(0, to - from) / 1000) : "-");

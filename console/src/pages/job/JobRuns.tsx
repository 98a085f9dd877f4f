import { Checkbox } from "@carbon/react";
import { Link } from "wouter";
import { FIXED, LISTED, type Run, type RunEntity, type Schemas, useRead } from "../../api";
import {
  absolute, between, type Chip, type Column, count, duration, Empty, FilterChips, Grid, List, lookOf, Section, Status, Time, useParam, useParams,
} from "../../kit";
import { packagesOf } from "../run/RunFacts";
import { paths } from "../../paths";

const FILTERS: Chip[] = [
  [null, "All"],
  ["Queued,Starting,Running,Canceling", "Waiting and working"],
  ["Completed", "Completed"],
  ["Failed", "Failed"],
  ["Canceled", "Canceled"],
];

/** The job's runs, the newest first; two that are chosen are compared. Filter, page and choice are in the address. */
export function JobRuns({ space, job }: { space: string; job: string }) {
  const { states, start } = useParams("states", "start");
  const [compared, compare] = useParam("compare", {});
  const list = useRead("/v2/jobs/{job_id}/runs", { job_id: job, states, limit: 25, next: start && JSON.stringify({ start }) }, LISTED);
  const ids = (compared ?? "").split(",").filter(Boolean).slice(0, 2);
  const toggle = (id: string) => compare((ids.includes(id) ? ids.filter((each) => each !== id) : [...ids, id]).join(","));
  const [left, right] = ids;
  return (
    <Section title="Runs">
      <FilterChips name="states" label="States of runs" chips={FILTERS} />
      {left && right && <Compare job={job} ids={[left, right]} />}
      <List
        label="Runs"
        of={list}
        problem="The runs cannot be shown"
        columns={columns(space, job, { ids, toggle })}
        rowKey={(run) => run.metadata.asset_id}
        empty={<Empty title={states ? "No run is like that" : "No runs yet"}>Run the job now, or give it a schedule.</Empty>}
      />
    </Section>
  );
}

type Chosen = { ids: string[]; toggle: (id: string) => void };

const columns = (space: string, job: string, { ids, toggle }: Chosen): Column<Run>[] => [
  { header: "Run", cell: ({ metadata: { asset_id: id, created_at: at } }) => <Link href={paths.run(space, job, id)}><Time at={at} /></Link> },
  {
    header: "State",
    cell: ({ entity: { job_run: { state, failure } } }) => <><Status state={state} />{failure && <small>{failure.message}</small>}</>,
  },
  { header: "Started by", cell: ({ entity: { job_run: run } }) => (run.isScheduledRun ? "Schedule" : "Hand") },
  { header: "Waited", numeric: true, cell: ({ entity: { job_run: run } }) => spent(run.queue_start, run.execution_start) },
  { header: "Worked", numeric: true, cell: ({ entity: { job_run: run } }) => spent(run.execution_start, run.execution_end) },
  { header: "Rows", numeric: true, cell: ({ entity: { job_run: { rows } } }) => (rows?.read ?? rows?.done ?? "-").toLocaleString("en") },
  { header: "Bad rows", numeric: true, cell: ({ entity: { job_run: { rows } } }) => count(rows?.rejected ?? 0) },
  {
    header: "Compare",
    cell: ({ metadata: { asset_id: id, created_at: at } }) => {
      const checked = ids.includes(id);
      const disabled = ids.length === 2 && !checked;
      const label = `Compare the run of ${at}`;
      return <Checkbox id={`compare-${id}`} hideLabel labelText={label} checked={checked} disabled={disabled} onChange={() => toggle(id)} />;
    },
  },
];

function spent(from: number, to: number): string {
  const seconds = between(from, to);
  return seconds === null ? "-" : duration(seconds);
}

/** Two runs of the job side by side; what differs stands out. */
function Compare({ job, ids: [left, right] }: { job: string; ids: [string, string] }) {
  const [one, two] = [useTold(job, left), useTold(job, right)];
  if (!one || !two) return null;
  const rows = Object.entries(one.facts).map(([name, value]) => {
    const other = two.facts[name];
    return [name, value, value === other ? other : <mark>{other}</mark>];
  });
  return (
    <Section title="Two runs compared"><Grid headed label="Values of both runs" heads={["What", one.at, two.at]} rows={rows} /></Section>
  );
}

function useTold(job_id: string, run_id: string) {
  const { data: run } = useRead("/v2/jobs/{job_id}/runs/{run_id}", { job_id, run_id }, FIXED);
  const { data: made } = useRead("/v2/jobs/{job_id}/runs/{run_id}/specification", { job_id, run_id }, FIXED);
  return run && made && { at: absolute(Date.parse(run.metadata.created_at)), facts: facts(run.entity.job_run, made) };
}

function facts(run: RunEntity, made: Schemas["RunSpecification"]): Record<string, string> {
  const worked = between(run.execution_start, run.execution_end);
  return {
    State: lookOf(run.state).word,
    Cause: run.failure?.message ?? "",
    Worked: worked === null ? "" : duration(worked),
    Rows: (run.rows?.read ?? run.rows?.done ?? "").toLocaleString("en"),
    "Bad rows": (run.rows?.rejected ?? "").toLocaleString("en"),
    Content: made.asset_sha256.slice(0, 16),
    Revision: String(made.asset_revision),
    Inputs: made.inputs.map(({ name, rows, bytes }) => `${name} ${rows ?? bytes ?? ""}`).join("; "),
    Software: made.software.name,
    Hardware: String(made.hardware.name ?? JSON.stringify(made.hardware)),
    Variables: Object.entries(made.environment_variables).map(([name, value]) => `${name}=${value}`).join(", "),
    Packages: packagesOf(run).join(", "),
  };
}

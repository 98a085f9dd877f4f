import { useQuery } from "@tanstack/react-query";
import { type Job, type Retention, retentionQuery, ticksQuery } from "../../api/job";
import { Copy } from "../../kit/Copy";
import { Facts } from "../../kit/Facts";
import { Time } from "../../kit/Time";

/** What the job is, when it comes next, and how long its runs stay. */
export function JobFacts({ id, job }: { id: string; job: Job }) {
  const { asset_ref: ref, asset_ref_type: kind, configuration, schedule_info: info } = job.entity.job;
  const { data: retention } = useQuery(retentionQuery(id));
  const hardware = configuration.hardware_spec as { name?: string } | undefined;
  return (
    <aside aria-label="About the job">
      <NextTicks id={id} job={job} zone={info?.timezone} />
      <section className="panel" aria-labelledby="facts-heading">
        <h2 id="facts-heading">About the job</h2>
        <Facts
          facts={[
            ["Description", job.metadata.description],
            ["Runs a", kind.replaceAll("_", " ")],
            ["Hardware", hardware?.name],
            ["Variables", configuration.env_variables?.join(", ")],
            ["Time limit", configuration.timeout_seconds ? `${configuration.timeout_seconds} s` : null],
            ["Keeps runs", retention && kept(retention)],
            ["Would go now", retention && effect(retention)],
            ["Made", <Time key="made" at={job.metadata.created_at} full />],
            ["Job id", <Copy key="id" what="the job's id" text={id} />],
            ["Id of what it runs", <Copy key="ref" what="the id of what it runs" text={ref} />],
          ]}
        />
      </section>
    </aside>
  );
}

function NextTicks({ id, job, zone }: { id: string; job: Job; zone: string | undefined }) {
  const scheduled = job.entity.job.schedule_id !== "";
  const { data } = useQuery(ticksQuery(id, scheduled));
  if (!scheduled) return null;
  return (
    <section className="panel" aria-labelledby="ticks-heading">
      <h2 id="ticks-heading">Next runs</h2>
      {job.entity.job.paused && <p className="warning">Paused: none of these will run.</p>}
      <ol className="ticks">
        {data?.results.map(({ at, note }) => (
          <li key={at}>
            <Time at={at} full {...(zone ? { zone } : {})} />
            {note && <small>{note}</small>}
          </li>
        ))}
      </ol>
      {zone && <p className="muted">{zone}</p>}
    </section>
  );
}

function kept({ policy, source }: Retention): string {
  const whose = source === "job" ? "" : " (the installation's default)";
  if (policy.amount !== undefined) return `the newest ${policy.amount.toLocaleString("en")}${whose}`;
  return policy.days === undefined || policy.days < 0 ? `for ever${whose}` : `for ${policy.days} days${whose}`;
}

function effect({ runs, bytes, bytes_exact: exact, results_deleted: results }: Retention): string {
  if (runs === 0) return "nothing";
  const size = `${exact ? "" : "about "}${(bytes / 1e6).toFixed(1)} MB`;
  return `${runs.toLocaleString("en")} runs, ${size}${results ? `, ${results} results` : ""}`;
}

import { type Job, type Retention, useRead } from "../../api";
import { bytes, Copy, count, counted, Facts, Section, Time, words } from "../../kit";

export function useTicks({ metadata: { asset_id: job_id }, entity: { job } }: Job) {
  const how = { enabled: job.schedule_id !== "", refetchInterval: 60_000 };
  return useRead("/v2/jobs/{job_id}/schedule_preview", { job_id, count: 6 }, how).data?.results;
}

/** What the job is, when it comes next, and how long its runs stay. */
export function JobFacts({ job }: { job: Job }) {
  const { asset_id: id, description, created_at: at } = job.metadata;
  const { asset_ref: ref, asset_ref_type: kind, configuration } = job.entity.job;
  const { data: retention } = useRead("/v2/jobs/{job_id}/retention_preview", { job_id: id }, { staleTime: 60_000 });
  const hardware = configuration.hardware_spec as { name?: string } | undefined;
  return (
    <aside aria-label="About the job">
      <NextTicks job={job} />
      <Section title="About the job">
        <Facts
          facts={[
            ["Description", description],
            ["Runs a", words(kind)],
            ["Hardware", hardware?.name],
            ["Variables", configuration.env_variables?.join(", ")],
            ["Time limit", configuration.timeout_seconds ? `${configuration.timeout_seconds} s` : null],
            ["Keeps runs", retention && kept(retention)],
            ["Would go now", retention && effect(retention)],
            ["Made", <Time at={at} full />],
            ["Job id", <Copy what="the job's id" text={id} />],
            ["Id of what it runs", <Copy what="the id of what it runs" text={ref} />],
          ]}
        />
      </Section>
    </aside>
  );
}

function NextTicks({ job }: { job: Job }) {
  const ticks = useTicks(job);
  const { paused, schedule_id: schedule, schedule_info: info } = job.entity.job;
  if (schedule === "") return null;
  return (
    <Section title="Next runs">
      {paused && <p>Paused: none of these will run.</p>}
      <ol className="lined">
        {ticks?.map(({ at, note }) => <li key={at}><Time at={at} full zone={info?.timezone} />{note && <small>{note}</small>}</li>)}
      </ol>
      {info?.timezone && <p className="muted">{info.timezone}</p>}
    </Section>
  );
}

function kept({ policy, source }: Retention): string {
  const whose = source === "job" ? "" : " (the installation's default)";
  if (policy.amount !== undefined) return `the newest ${count(policy.amount)}${whose}`;
  return policy.days === undefined || policy.days < 0 ? `for ever${whose}` : `for ${policy.days} days${whose}`;
}

function effect({ runs, bytes: size, bytes_exact: exact, results_deleted: results }: Retention): string {
  if (runs === 0) return "nothing";
  return `${counted(runs, "run")}, ${exact ? "" : "about "}${bytes(size)}${results ? `, ${counted(results, "result")}` : ""}`;
}

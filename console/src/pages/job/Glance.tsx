import { Link } from "wouter";
import { type Job } from "../../api/job";
import { FINAL, type Run } from "../../api/runs";
import { Status } from "../../kit/Status";
import { Time } from "../../kit/Time";
import { paths } from "../../paths";

interface GlanceProps {
  space: string;
  id: string;
  job: Job;
  runs: Run[];
  next: string | undefined;
}

/** Is it well, what comes next: each fact leads to where it is from. */
export function Glance({ space, id, job, runs, next }: GlanceProps) {
  const over = runs.filter(({ entity }) => FINAL.includes(entity.job_run.state));
  const good = over.filter(({ entity }) => entity.job_run.state.startsWith("Completed"));
  const bad = over.reduce((sum, { entity }) => sum + (entity.job_run.rows?.rejected ?? 0), 0);
  const last = runs[0];
  const zone = job.entity.job.schedule_info?.timezone;
  return (
    <dl className="glance">
      <div>
        <dt>Last run</dt>
        <dd>
          {last ? (
            <>
              <Status state={last.entity.job_run.state} />{" "}
              <Link href={paths.run(space, id, last.metadata.asset_id)}>
                <Time at={last.metadata.created_at} />
              </Link>
            </>
          ) : (
            "Never"
          )}
        </dd>
      </div>
      <div>
        <dt>Next run</dt>
        <dd>
          {job.entity.job.paused ? "Paused" : next ? <Time at={next} {...(zone ? { zone } : {})} /> : "Not scheduled"}
          {next && !job.entity.job.paused && <small>{zone}</small>}
        </dd>
      </div>
      <div>
        <dt>{`Success of the last ${over.length}`}</dt>
        <dd>{over.length === 0 ? "-" : `${Math.round((100 * good.length) / over.length)} % (${good.length})`}</dd>
      </div>
      <div>
        <dt>Bad rows among them</dt>
        <dd>{bad.toLocaleString("en")}</dd>
      </div>
    </dl>
  );
}

import { useQuery } from "@tanstack/react-query";
import { useLocation, useSearchParams } from "wouter";
import { type Job, jobQuery, ticksQuery } from "../../api/job";
import { runsQuery } from "../../api/runs";
import { spaceQuery } from "../../api/spaces";
import { Page } from "../../kit/Page";
import { Problem } from "../../kit/Problem";
import { paths } from "../../paths";
import "./job.css";
import "../run/run.css";
import { Changes } from "./Changes";
import { Glance } from "./Glance";
import { JobActions } from "./JobActions";
import { JobFacts } from "./JobFacts";
import { JobRuns } from "./JobRuns";
import { RunChart } from "./RunChart";

const CHARTED = 50;

/** One job: is it well, what comes next, and everything that it has done. */
export default function JobPage({ space, job }: { space: string; job: string }) {
  const { data, error } = useQuery(jobQuery(job));
  const { data: about } = useQuery(spaceQuery(space));
  const name = data?.metadata.name ?? "Job";
  const crumbs = [
    { text: "Deployment spaces", to: paths.spaces },
    { text: about?.entity.name ?? "Space", to: paths.jobs(space) },
  ];
  return (
    <Page title={name} crumbs={crumbs} actions={data && <JobActions space={space} id={data.metadata.asset_id} job={data} />}>
      <Problem error={error} title="The job cannot be shown" />
      {data && <Known space={space} id={data.metadata.asset_id} job={data} />}
    </Page>
  );
}

function Known({ space, id, job }: { space: string; id: string; job: Job }) {
  const [search] = useSearchParams();
  const [, go] = useLocation();
  const { data: newest } = useQuery(runsQuery(id, { limit: CHARTED }));
  const { data: ticks } = useQuery(ticksQuery(id, job.entity.job.schedule_id !== ""));
  const runs = newest?.results ?? [];
  return (
    <>
      <Glance space={space} id={id} job={job} runs={runs} next={ticks?.results[0]?.at} />
      <RunChart runs={runs} open={(run) => go(paths.run(space, id, run.metadata.asset_id))} />
      <div className="columns">
        <div>
          <JobRuns space={space} job={id} states={search.get("states")} start={search.get("start")} />
          <Changes job={id} />
        </div>
        <JobFacts id={id} job={job} />
      </div>
    </>
  );
}

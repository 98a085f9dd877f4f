import { useQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { type RunRef, runQuery, troubleQuery } from "../../api/runs";
import { useRunStream } from "../../api/runStream";
import { spaceQuery } from "../../api/spaces";
import { Page } from "../../kit/Page";
import { Problem } from "../../kit/Problem";
import { lookOf } from "../../kit/Status";
import { paths } from "../../paths";
import "./run.css";
import { FlowGraph } from "./FlowGraph";
import { LogStore } from "./logStore";
import { ProfilePanel } from "./ProfilePanel";
import { Rejected } from "./Rejected";
import { Results } from "./Results";
import { useRunActions } from "./RunActions";
import { RunFacts } from "./RunFacts";
import { RunHead } from "./RunHead";
import { RunLog } from "./RunLog";
import { Stages } from "./Stages";

/** One run: how it is, what it prints, what it made of what. */
export default function RunPage({ space, job, run }: { space: string; job: string; run: string }) {
  return <OneRun key={run} space={space} of={{ job, run }} />;
}

function OneRun({ space, of }: { space: string; of: RunRef }) {
  const [store] = useState(() => new LogStore());
  const [turn, setTurn] = useState(0);
  const { data, error } = useQuery(runQuery(of));
  const { data: about } = useQuery(spaceQuery(space));
  useRunStream(of, store.append, turn);
  const state = data?.entity.job_run.state ?? "";
  const { data: trouble } = useQuery({ ...troubleQuery(of, state), enabled: state === "Failed" });
  const { buttons, problems } = useRunActions(space, of, data);
  const toEnd = useCallback(() => {
    store.clear();
    setTurn((before) => before + 1);
  }, [store]);
  const name = data?.metadata.name ?? "Run";
  const jobName = data?.entity.job_run.job_name ?? "Job";
  const crumbs = [
    { text: "Deployment spaces", to: paths.spaces },
    { text: about?.entity.name ?? "Space", to: paths.jobs(space) },
    { text: jobName, to: paths.job(space, of.job) },
  ];
  return (
    <Page title={`Run of ${jobName}`} windowTitle={data ? `${lookOf(state).word} - ${name}` : name} crumbs={crumbs} actions={buttons}>
      <Problem error={error} title="The run cannot be shown" />
      {problems}
      {data && (
        <>
          <RunHead run={data} trouble={trouble} />
          <Stages of={of} run={data} />
          <div className="columns">
            <div>
              {data.entity.job_run.nodes && <FlowGraph of={of} nodes={data.entity.job_run.nodes} />}
              <RunLog of={of} store={store} trouble={trouble?.results[0]?.number ?? null} toEnd={toEnd} />
              <Results of={of} run={data} />
              <Rejected space={space} of={of} run={data} />
              <ProfilePanel space={space} of={of} run={data} />
            </div>
            <RunFacts space={space} of={of} run={data} />
          </div>
        </>
      )}
    </Page>
  );
}

import { Button } from "@carbon/react";
import { Renew, StopOutline, Tools } from "@carbon/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { actOn, FINAL, FIXED, type Run, type RunRef, useNewRun, useRead, useRunStream } from "../../api";
import { lookOf, Page, Problem, useSpaceCrumbs } from "../../kit";
import { paths } from "../../paths";
import { FlowGraph } from "./FlowGraph";
import { LogStore } from "./logStore";
import { Predictions, Rejected, Results } from "./Results";
import { RunFacts } from "./RunFacts";
import { Head, Stages } from "./RunHead";
import { RunLog } from "./RunLog";

/** What the parts of the page are given. */
export type RunProps = { space: string; of: RunRef; run: Run };

/** How to read what does not change while the run is in its state. */
export const inState = (run: Run, enabled = true) => ({ ...FIXED, retry: false, enabled, of: run.entity.job_run.state });

/** One run: how it is, what it prints, what it made of what. */
export default function RunPage({ space, job, run: id }: { space: string; job: string; run: string }) {
  const of = { job_id: job, run_id: id };
  const [store] = useState(() => new LogStore());
  const [turn, setTurn] = useState(0);
  // Not asked again by itself: the stream puts in what is new.
  const { data: run, error } = useRead("/v2/jobs/{job_id}/runs/{run_id}", of, FIXED);
  useRunStream(of, store.append, turn);
  const toEnd = useCallback(() => {
    store.clear();
    setTurn((before) => before + 1);
  }, [store]);
  const { state = "", job_name: jobName = "Job" } = run?.entity.job_run ?? {};
  const failed = state === "Failed";
  const { data: trouble } = useRead("/v2/jobs/{job_id}/runs/{run_id}/log_lines", { ...of, trouble: true, limit: 1 }, { ...FIXED, enabled: failed });
  const firstError = trouble?.results[0]?.number ?? null;
  const crumbs = [...useSpaceCrumbs(space, paths.jobs(space)), [jobName, paths.job(space, job)] as [string, string]];
  const parts = run && { space, of, run };
  return (
    <Page
      title={`Run of ${jobName}`}
      windowTitle={run ? `${lookOf(state).word} - ${run.metadata.name}` : "Run"}
      crumbs={crumbs}
      actions={parts && <Actions {...parts} />}
    >
      <Problem error={error} title="The run cannot be shown" />
      {parts && (
        <>
          <Head run={parts.run} firstError={firstError} />
          <Stages {...parts} />
          <div className="columns">
            <div>
              {parts.run.entity.job_run.nodes && <FlowGraph of={of} nodes={parts.run.entity.job_run.nodes} />}
              <RunLog of={of} store={store} firstError={firstError} toEnd={toEnd} />
              <Results {...parts} />
              <Rejected {...parts} />
              <Predictions {...parts} />
            </div>
            <RunFacts {...parts} />
          </div>
        </>
      )}
    </Page>
  );
}

/** What can be done about a run: stopped while it lasts, done again or repaired afterwards. */
function Actions({ space, of, run }: RunProps) {
  const { state, nodes, kept_rows: kept } = run.entity.job_run;
  const cancel = useMutation({ mutationFn: () => actOn<void>(of, "cancel") });
  const again = useNewRun(space, () => actOn(of, "rerun"));
  const mend = useNewRun(space, () => actOn(of, "repair"));
  const over = FINAL.includes(state);
  const mendable = over && !state.startsWith("Completed") && Boolean(nodes || kept);
  const stopping = cancel.isPending || state === "Canceling";
  return (
    <>
      <Problem error={cancel.error ?? again.error ?? mend.error} />
      {!over && <Button kind="danger--tertiary" renderIcon={StopOutline} disabled={stopping} onClick={() => cancel.mutate()}>Cancel run</Button>}
      {mendable && <Button renderIcon={Tools} disabled={mend.isPending} onClick={() => mend.mutate()}>Repair</Button>}
      {over && (
        <Button kind={mendable ? "tertiary" : "primary"} renderIcon={Renew} disabled={again.isPending} onClick={() => again.mutate()}>
          Run again
        </Button>
      )}
    </>
  );
}

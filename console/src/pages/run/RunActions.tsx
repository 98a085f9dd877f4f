import { Button } from "@carbon/react";
import { Renew, StopOutline, Tools } from "@carbon/icons-react";
import { useMutation } from "@tanstack/react-query";
import { cancelRun, FINAL, type Run, type RunRef, repair, rerun } from "../../api/runs";
import { Problem } from "../../kit/Problem";
import { useNewRun } from "./useNewRun";

/** What can be done about a run: stopped while it lasts, done again or repaired afterwards. */
export function useRunActions(space: string, of: RunRef, run: Run | undefined) {
  const cancel = useMutation({ mutationFn: () => cancelRun(of) });
  const again = useNewRun(space, () => rerun(of));
  const mend = useNewRun(space, () => repair(of));
  const told = run?.entity.job_run;
  const over = told && FINAL.includes(told.state);
  const mendable = over && !told.state.startsWith("Completed") && Boolean(told.nodes || told.kept_rows);
  const buttons = told && (
    <>
      {!over && (
        <Button kind="danger--tertiary" renderIcon={StopOutline} disabled={cancel.isPending || told.state === "Canceling"} onClick={() => cancel.mutate()}>
          Cancel run
        </Button>
      )}
      {mendable && (
        <Button renderIcon={Tools} disabled={mend.isPending} onClick={() => mend.mutate()}>
          Repair
        </Button>
      )}
      {over && (
        <Button kind={mendable ? "tertiary" : "primary"} renderIcon={Renew} disabled={again.isPending} onClick={() => again.mutate()}>
          Run again
        </Button>
      )}
    </>
  );
  const problems = <Problem error={cancel.error ?? again.error ?? mend.error} />;
  return { buttons, problems };
}

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import type { Run } from "../../api/runs";
import { paths } from "../../paths";

/** Starts a run and goes to its page. */
export function useNewRun(space: string, start: () => Promise<Run>) {
  const [, go] = useLocation();
  const client = useQueryClient();
  return useMutation({
    mutationFn: start,
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: ["runs", run.entity.job_run.job_ref] });
      go(paths.run(space, run.entity.job_run.job_ref, run.metadata.asset_id));
    },
  });
}

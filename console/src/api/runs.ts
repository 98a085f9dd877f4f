import { useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import { useLocation } from "wouter";
import { paths } from "../paths";
import type { Run } from "./answers";
import { send, url } from "./client";
import { again, ask, queryClient, read } from "./queries";

const RUNS = "/v2/jobs/{job_id}/runs";
const RUN = `${RUNS}/{run_id}` as const;
const TAIL = 5_000;

/** A run by the ids of its job and itself. */
export type RunRef = { job_id: string; run_id: string };

export const runPath = (of: RunRef) => url(RUN, of);
export const logLines = (of: RunRef, query: { first?: number; limit: number; contains?: string }) =>
  ask(`${RUN}/log_lines`, { ...of, ...query });

/** Does something to a run: `cancel`, `rerun`, `repair` or `rerun_rejected`. */
export const actOn = <T = Run>(of: RunRef, action: string) => send<T>("POST", `${RUN}/${action}`, of);

/** Starts a run and goes to its page. */
export function useNewRun(space: string, start: () => Promise<Run>) {
  const [, go] = useLocation();
  return useMutation({
    mutationFn: start,
    onSuccess: ({ metadata, entity: { job_run: { job_ref: job } } }) => {
      void again(`${url(RUNS, { job_id: job })}?`);
      go(paths.run(space, job, metadata.asset_id));
    },
  });
}

type TakeLines = (first: number, lines: string[]) => void;

/**
 * Follows a run by one stream: the run goes into its query, lines to `take`. Closed while the window is hidden, and
 * opened again behind the last line that came; another `turn` begins anew at the end of the log.
 */
export function useRunStream({ job_id, run_id }: RunRef, take: TakeLines, turn: number): void {
  useEffect(() => follow({ job_id, run_id }, take), [job_id, run_id, take, turn]);
}

function follow(of: RunRef, take: TakeLines): () => void {
  let source: EventSource | null = null;
  let after: string | null = null;
  let ended = false;
  const close = () => {
    source?.close();
    source = null;
  };
  const open = () => {
    if (source || ended || document.hidden) return;
    source = new EventSource(url(`${RUN}/stream`, { ...of, tail: TAIL, after }));
    source.addEventListener("log", ({ data, lastEventId }) => {
      const { first, lines } = JSON.parse(data) as { first: number; lines: string[] };
      after = lastEventId;
      take(first, lines);
    });
    source.addEventListener("run", ({ data }) => queryClient.setQueryData(read(RUN, of).queryKey, JSON.parse(data) as Run));
    source.addEventListener("end", () => {
      ended = true;
      close();
    });
  };
  const look = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", look);
  open();
  return () => {
    document.removeEventListener("visibilitychange", look);
    close();
  };
}

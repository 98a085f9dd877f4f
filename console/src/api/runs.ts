import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./client";
import type { RunState } from "./jobs";
import { LIVE_MS } from "./queryClient";
import type { components } from "./schema";

export type RunSpecification = components["schemas"]["RunSpecification"];
export type FirstRows = components["schemas"]["FirstRows"];
export type LogLines = components["schemas"]["LogLines"];

/** How far a run is, and what became of its rows (or of what else it counts, by `unit`). */
export interface RunRows {
  done?: number;
  total?: number;
  per_second?: number;
  estimated_end?: string;
  read?: number;
  scored?: number;
  rejected?: number;
  not_attempted?: number;
  resumed?: number;
  unit?: string;
}

export interface Rejection {
  source: string;
  row: number;
  reason: string;
  column?: string | null;
  value?: string | null;
}

export interface RunNode {
  id: string;
  label: string;
  op: string;
  state: string;
  started_at?: string;
  finished_at?: string;
  cause?: { code: string; message: string };
  after: string[];
  kept?: boolean;
}

/** A run as `/v2/jobs/{job}/runs` shows it; of its members those that the console uses. Times are milliseconds, 0: none. */
export interface Run {
  metadata: { asset_id: string; name: string; owner_id: string; created_at: string };
  entity: {
    job_run: {
      job_ref: string;
      job_name: string;
      job_type: string;
      state: RunState;
      isScheduledRun: boolean;
      scheduled_for?: string;
      runtime_job_id: string;
      queue_start: number;
      execution_start: number;
      execution_end: number;
      attempt: number;
      failure?: { code: string; message: string };
      warning?: string;
      waiting?: { reason: string; place: number; estimated_start?: string };
      rows?: RunRows;
      rejections?: Rejection[];
      kept_rows?: { done: number; total?: number };
      packages?: Record<string, string>;
      repair_of?: string;
      rejected_of?: string;
      nodes?: RunNode[];
      peak_memory_bytes?: number;
      cpu_seconds?: number;
      isolation?: string[];
    };
  };
}

export interface RunPage {
  total_rows: number;
  results: Run[];
  next?: { start: string; limit: number };
}

export interface RunEvent {
  event: string;
  state: string;
  at: string;
  by: string;
}

export interface ColumnProfile {
  name: string;
  type: string;
  rows: number;
  nulls: number;
  minimum?: number;
  maximum?: number;
  mean?: number;
  quantiles?: [number, number][];
  categories?: [unknown, number][];
}

export interface Profile {
  results: ColumnProfile[];
  compared: { run_id: string; run_name: string; finished_at: string | null; findings: string[] } | null;
}

export interface ResultFile {
  name: string;
  mime: string;
  size: number;
  href: string;
}

/** A run by the ids of its job and itself. */
export interface RunRef {
  job: string;
  run: string;
}

export const FINAL: RunState[] = ["Completed", "CompletedWithWarnings", "Failed", "Canceled"];
export const runPath = ({ job, run }: RunRef) => `/v2/jobs/${job}/runs/${run}`;
export const runKey = ({ job, run }: RunRef) => ["run", job, run];

/** Not asked again by itself: the page's stream puts in what is new. */
export const runQuery = (ref: RunRef) =>
  queryOptions({
    queryKey: runKey(ref),
    queryFn: ({ signal }) => get<Run>(runPath(ref), {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const runsQuery = (job: string, asked: { states?: string | null; start?: string | null; limit?: number }) =>
  queryOptions({
    queryKey: ["runs", job, asked],
    queryFn: ({ signal }) => {
      const next = asked.start ? JSON.stringify({ start: asked.start }) : null;
      return get<RunPage>(`/v2/jobs/${job}/runs`, { states: asked.states, limit: asked.limit ?? 25, next }, signal);
    },
    refetchInterval: LIVE_MS,
    placeholderData: keepPreviousData,
  });

/** What is asked again when the state of the run has changed, as its key holds that. */
const detailQuery = <T>(ref: RunRef, what: string, state = "", query = {}) =>
  queryOptions({
    queryKey: [...runKey(ref), what, state],
    queryFn: ({ signal }) => get<T>(`${runPath(ref)}/${what}`, query, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

export const historyQuery = (ref: RunRef, state: string) => detailQuery<{ results: RunEvent[] }>(ref, "history", state);
export const specificationQuery = (ref: RunRef) => detailQuery<RunSpecification>(ref, "specification");
export const firstRowsQuery = (ref: RunRef, state: string) => detailQuery<FirstRows>(ref, "first_rows", state);
export const profileQuery = (ref: RunRef, state: string) => detailQuery<Profile>(ref, "profile", state);
export const resultsQuery = (ref: RunRef, state: string) => detailQuery<{ results: ResultFile[] }>(ref, "results", state);
export const troubleQuery = (ref: RunRef, state: string) =>
  queryOptions({ ...detailQuery<LogLines>(ref, "log_lines", state, { trouble: true, limit: 1 }), queryKey: [...runKey(ref), "trouble", state] });

export const logLines = (ref: RunRef, first: number, limit: number) => get<LogLines>(`${runPath(ref)}/log_lines`, { first, limit });
export const findInLog = (ref: RunRef, contains: string) => get<LogLines>(`${runPath(ref)}/log_lines`, { contains, limit: 1000 });

export const cancelRun = (ref: RunRef) => post<void>(`${runPath(ref)}/cancel`);
export const deleteRun = (ref: RunRef) => remove(runPath(ref));
export const rerun = (ref: RunRef) => post<Run>(`${runPath(ref)}/rerun`);
export const repair = (ref: RunRef) => post<Run>(`${runPath(ref)}/repair`);
export const rerunRejected = (ref: RunRef) => post<Run>(`${runPath(ref)}/rerun_rejected`);
export const startRun = (job: string, configuration: Record<string, unknown>) =>
  post<Run>(`/v2/jobs/${job}/runs`, { job_run: { configuration } });

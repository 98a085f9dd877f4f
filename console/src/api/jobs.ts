import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get } from "./client";
import { LIVE_MS } from "./queryClient";
import type { components } from "./schema";

export type JobGlance = components["schemas"]["JobGlance"];
export type JobGlances = components["schemas"]["JobGlances"];
export type LastRun = components["schemas"]["LastRun"];
export type RunGlance = components["schemas"]["RunGlance"];
export type JobFilter = components["schemas"]["JobFilter"];

/** The names of states in the jobs API. */
export type RunState =
  | "Queued"
  | "Starting"
  | "Running"
  | "Canceling"
  | "Completed"
  | "CompletedWithWarnings"
  | "Failed"
  | "Canceled";

export interface JobsAsked {
  name?: string | null;
  filter?: string | null;
  start?: string | null;
}

export const jobsQuery = (space: string, asked: JobsAsked) =>
  queryOptions({
    queryKey: ["jobs", space, asked],
    queryFn: ({ signal }) => get<JobGlances>("/v2/job_summaries", { space_id: space, limit: 50, ...asked }, signal),
    refetchInterval: LIVE_MS,
    placeholderData: keepPreviousData,
  });

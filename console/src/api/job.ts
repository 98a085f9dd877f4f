import { queryOptions } from "@tanstack/react-query";
import { get, patch, remove } from "./client";
import { LIVE_MS } from "./queryClient";
import type { components } from "./schema";

export type JobChanges = components["schemas"]["JobChanges"];
export type JobChange = components["schemas"]["JobChangeDocument"];

/** A job as `/v2/jobs` shows it; of its members those that the console uses. */
export interface Job {
  metadata: { asset_id: string; name: string; description: string; created_at: string; owner_id: string };
  entity: {
    job: {
      asset_ref: string;
      asset_ref_type: string;
      configuration: Record<string, unknown> & { env_variables?: string[] };
      paused: boolean;
      schedule: string;
      schedule_info?: { timezone?: string };
      schedule_id: string;
      retention_policy?: { amount?: number; days?: number; results?: string };
    };
  };
}

export interface Tick {
  at: string;
  local: string;
  note?: string;
}

export interface Retention {
  policy: { amount?: number; days?: number; results?: string };
  source: string;
  runs: number;
  bytes: number;
  bytes_exact: boolean;
  results_deleted: number;
}

export const jobQuery = (id: string) =>
  queryOptions({ queryKey: ["job", id], queryFn: ({ signal }) => get<Job>(`/v2/jobs/${id}`, {}, signal), refetchInterval: LIVE_MS });

export const ticksQuery = (id: string, scheduled: boolean) =>
  queryOptions({
    queryKey: ["job", id, "ticks"],
    queryFn: ({ signal }) => get<{ results: Tick[] }>(`/v2/jobs/${id}/schedule_preview`, { count: 6 }, signal),
    enabled: scheduled,
    refetchInterval: 60_000,
  });

export const retentionQuery = (id: string) =>
  queryOptions({
    queryKey: ["job", id, "retention"],
    queryFn: ({ signal }) => get<Retention>(`/v2/jobs/${id}/retention_preview`, {}, signal),
    staleTime: 60_000,
  });

export const changesQuery = (id: string) =>
  queryOptions({
    queryKey: ["job", id, "changes"],
    queryFn: ({ signal }) => get<JobChanges>(`/v2/jobs/${id}/changes`, { limit: 50 }, signal),
  });

export const pauseJob = (id: string, paused: boolean) =>
  patch<Job>(`/v2/jobs/${id}`, [{ op: "replace", path: "/entity/job/paused", value: paused }]);
export const deleteJob = (id: string) => remove(`/v2/jobs/${id}`);

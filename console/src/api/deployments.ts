import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, patch, post, remove, type Query } from "./client";
import { LIVE_MS } from "./queryClient";
import type { components } from "./schema";

export type DeploymentGlance = components["schemas"]["DeploymentGlance"];
export type DeploymentGlances = components["schemas"]["DeploymentGlances"];
export type Queue = components["schemas"]["QueueDocument"];
export type QueuedRun = components["schemas"]["QueuedRun"];

export const deploymentsQuery = (space: string, asked: Query) =>
  queryOptions({
    queryKey: ["deployments", space, asked],
    queryFn: ({ signal }) => get<DeploymentGlances>("/v2/deployment_summaries", { space_id: space, ...asked }, signal),
    refetchInterval: LIVE_MS,
    placeholderData: keepPreviousData,
  });

export const deploymentQuery = (space: string, id: string) =>
  queryOptions({
    queryKey: ["deployment", space, id],
    queryFn: ({ signal }) => get<DeploymentGlance>(`/v2/deployment_summaries/${id}`, { space_id: space }, signal),
    refetchInterval: LIVE_MS,
  });

export const queueQuery = (space: string, id: string) =>
  queryOptions({
    queryKey: ["deployment", space, id, "queue"],
    queryFn: ({ signal }) => get<Queue>(`/v2/deployment_summaries/${id}/queue`, { space_id: space }, signal),
    refetchInterval: LIVE_MS,
  });

interface JobsOfDeployment {
  results: { metadata: { asset_id: string; name: string } }[];
}

export const jobsOfQuery = (space: string, id: string) =>
  queryOptions({
    queryKey: ["deployment", space, id, "jobs"],
    queryFn: ({ signal }) => get<JobsOfDeployment>("/v2/jobs", { space_id: space, asset_ref: id, limit: 100 }, signal),
  });

export interface NewDeployment {
  name: string;
  description: string;
  asset: string;
  hardware: string;
  max_running: number;
}

export const createDeployment = (space: string, wanted: NewDeployment) =>
  post<{ metadata: { id: string } }>("/ml/v4/deployments", {
    name: wanted.name,
    description: wanted.description,
    space_id: space,
    asset: { id: wanted.asset },
    batch: { max_running: wanted.max_running },
    hardware_spec: { id: wanted.hardware },
  });

export const setLimit = (space: string, id: string, limit: number) =>
  patch(`/ml/v4/deployments/${id}`, [{ op: "replace", path: "/batch/max_running", value: limit }], { space_id: space });

export const deleteDeployment = (space: string, id: string) => remove(`/ml/v4/deployments/${id}`, { space_id: space });

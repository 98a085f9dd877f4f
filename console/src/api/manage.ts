import { queryOptions } from "@tanstack/react-query";
import { get, patch, post, remove } from "./client";
import type { components } from "./schema";
import type { Space } from "./spaces";

export interface Member {
  id: string;
  name: string;
  role: string;
}

export interface Channel {
  id: string;
  name: string;
  type: string;
  settings: { addresses?: string[]; url?: string; secret?: string };
}

export interface Trial {
  delivered: boolean;
  results: { target: string; delivered: boolean; error: string; milliseconds: number }[];
}

export interface Delivery {
  id: string;
  kind: string;
  at: string;
  target: string;
  state: string;
  attempts: number;
  last_error?: string;
}

export interface Limited {
  metadata: { id: string };
  entity: { name: string; batch?: { max_running: number } };
}

export type Effect = components["schemas"]["SpaceEffect"];
export type Policy = { days: number } | { amount: number };

export const ROLES = ["admin", "editor", "job_operator", "viewer"];

const list = <T>(what: string, path: string, space: string, query: Record<string, string | number>) =>
  queryOptions({
    queryKey: ["manage", space, what],
    queryFn: ({ signal }) => get<T>(path, query, signal),
  });

export const membersQuery = (space: string) =>
  list<{ resources: Member[] }>("members", `/v2/spaces/${space}/members`, space, { limit: 1000 });
export const channelsQuery = (space: string) =>
  list<{ results: Channel[] }>("channels", "/v2/notification_channels", space, { space_id: space, limit: 200 });
export const limitsQuery = (space: string) =>
  list<{ resources: Limited[] }>("limits", "/ml/v4/deployments", space, { space_id: space, limit: 200 });

export const deliveriesQuery = (channel: string) =>
  queryOptions({
    queryKey: ["manage", "deliveries", channel],
    queryFn: ({ signal }) => get<{ results: Delivery[] }>(`/v2/notification_channels/${channel}/deliveries`, { limit: 20 }, signal),
  });

export const effectQuery = (space: string, policy: Policy | null) =>
  queryOptions({
    queryKey: ["manage", space, "effect", policy],
    queryFn: ({ signal }) => get<Effect>(`/v2/spaces/${space}/retention_preview`, policy ?? {}, signal),
    retry: false,
  });

const memberPath = (space: string, user = "") => `/v2/spaces/${space}/members${user && `/${encodeURIComponent(user)}`}`;
export const addMember = (space: string, member: { id: string; role: string }) =>
  post(memberPath(space), { members: [member] });
export const changeRole = (space: string, user: string, role: string) => patch(memberPath(space, user), [set("role", role)]);
export const removeMember = (space: string, user: string) => remove(memberPath(space, user));

export const createChannel = (space: string, body: { name: string; type: string; settings: object }) =>
  post<Channel>("/v2/notification_channels", { space_id: space, ...body });
export const removeChannel = (id: string) => remove(`/v2/notification_channels/${id}`);
export const tryChannel = (id: string) => post<Trial>(`/v2/notification_channels/${id}/test`);

export const changeSpace = (space: string, name: "paused" | "retention" | "name" | "description", value: unknown) =>
  patch<Space>(`/v2/spaces/${space}`, [value === null ? { op: "remove", path: `/${name}` } : set(name, value)]);
export const deleteSpace = (space: string) => remove(`/v2/spaces/${space}`);

export const changeLimit = (space: string, deployment: string, most: number) =>
  patch(`/ml/v4/deployments/${deployment}`, [set("batch/max_running", most)], { space_id: space });

const set = (name: string, value: unknown) => ({ op: "replace", path: `/${name}`, value });

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, patch, post, type Query, remove } from "./client";
import { LIVE_MS } from "./queryClient";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Worker = Schemas["WorkerLine"];
export type Lane = Schemas["LaneLine"];
export type Content = Schemas["ContentLine"];
export type AuditLine = Schemas["AuditLine"];

/** A user of `/v1/users`; of its members those that the console uses. */
export interface User {
  id: string;
  name: string;
  display_name: string;
  email: string;
  administrator: boolean;
  disabled: boolean;
}

const about = <T>(what: string, query: Query = {}, every: number | false = LIVE_MS) =>
  queryOptions({
    queryKey: ["administration", what, query],
    queryFn: ({ signal }) => get<T>(`/v1/${what}`, query, signal),
    refetchInterval: every,
    placeholderData: keepPreviousData,
  });

export const usersQuery = (start: string | null) =>
  about<{ resources: User[]; next?: { href: string } }>("users", { limit: 50, start }, false);
export const workersQuery = about<Schemas["WorkerLines"]>("workers");
export const queueQuery = (start: string | null) => about<Schemas["LaneLines"]>("queue", { start });
export const storageQuery = about<Schemas["Storage"]>("storage", {}, 60_000);
export const auditQuery = (asked: Query) => about<Schemas["AuditLines"]>("audit_events", asked, false);
export const healthQuery = about<Schemas["Health"]>("health", {}, 10_000);

export const createUser = (body: Schemas["NewUser"]) => post<User>("/v1/users", body);
export const changeUser = (id: string, change: Schemas["UserChange"]) => patch<User>(`/v1/users/${id}`, change);
export const deleteUser = (id: string) => remove(`/v1/users/${id}`);

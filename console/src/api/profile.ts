import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./client";
import type { components } from "./schema";

export interface ApiKey {
  id: string;
  name: string;
  hint?: string;
  created_at: string;
  last_used_at?: string;
}

export interface Credential {
  id: string;
  name: string;
  created_at: string;
}

type SessionLines = components["schemas"]["SessionLines"];

export const keysQuery = queryOptions({
  queryKey: ["profile", "keys"],
  queryFn: ({ signal }) => get<{ resources: ApiKey[] }>("/v1/api_keys", { limit: 200 }, signal),
});

export const credentialQuery = queryOptions({
  queryKey: ["profile", "credential"],
  queryFn: ({ signal }) => get<{ credentials: Credential[] }>("/v1/task_credentials", {}, signal),
});

export const sessionsQuery = queryOptions({
  queryKey: ["profile", "sessions"],
  queryFn: ({ signal }) => get<SessionLines>("/v1/me/sessions", {}, signal),
});

export const createKey = (name: string) => post<ApiKey & { api_key: string }>("/v1/api_keys", { name });
export const revokeKey = (id: string) => remove(`/v1/api_keys/${id}`);

/** Makes a key that nobody is shown, and keeps it for this user's runs. */
export async function generateCredential(): Promise<Credential> {
  const { api_key } = await createKey("Task credential");
  return post<Credential>("/v1/task_credentials", { name: "Task credential", secret: { api_key } });
}

export const revokeCredential = (id: string) => remove(`/v1/task_credentials/${id}`);
export const changePassword = (body: components["schemas"]["NewPassword"]) => post<void>("/v1/me/password", body);
export const endSessions = () => remove("/v1/me/sessions");

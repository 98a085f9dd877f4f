import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./client";
import type { components } from "./schema";

export type Session = components["schemas"]["SessionDocument"];
export type SessionUser = components["schemas"]["SessionUser"];
type SignIn = components["schemas"]["SignIn"];

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => get<Session>("/v1/session", {}, signal),
  staleTime: 60_000,
});

export const signIn = (body: SignIn) => post<Session>("/v1/session", body);
export const signOut = () => remove("/v1/session");

import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";

const ASK_AGAIN_MS = 15_000;

/** A notification of `/v2/notifications`. */
export interface Notification {
  event_id: string;
  kind: string;
  title: string;
  text: string;
  created_at: string;
  read: boolean;
  space_id?: string;
  job_id?: string;
  run_id?: string;
}

export interface Inbox {
  results: Notification[];
  unread_count: number;
  next?: { start: string };
}

export const inboxQuery = queryOptions({
  queryKey: ["inbox"],
  queryFn: ({ signal }) => get<Inbox>("/v2/notifications", { limit: 10 }, signal),
  refetchInterval: ASK_AGAIN_MS,
});

export const readAll = () => post<{ read: number }>("/v2/notifications/read_all");

/** A page of the inbox; its mark is the whole object `next`, sent back as JSON. */
export const inboxPageQuery = (unread: boolean, start: string | null) =>
  queryOptions({
    queryKey: ["inbox", "page", unread, start ?? ""],
    queryFn: ({ signal }) =>
      get<Inbox>("/v2/notifications", { limit: 50, unread, next: start ? JSON.stringify({ start }) : null }, signal),
    refetchInterval: ASK_AGAIN_MS,
  });

export const readOne = (event: string) => post<Notification>(`/v2/notifications/${event}/read`);

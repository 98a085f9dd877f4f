import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";
import { LIVE_MS } from "./queryClient";
import type { components } from "./schema";

export type SpaceGlance = components["schemas"]["SpaceGlance"];
export type SpaceGlances = components["schemas"]["SpaceGlances"];

/** A space as `/v2/spaces` shows it; of its members those that the console uses. */
export interface Space {
  metadata: { id: string };
  entity: { name: string; description: string; paused: boolean; retention?: { days?: number; amount?: number } };
}

export const spacesQuery = (start?: string | null) =>
  queryOptions({
    queryKey: ["spaces", start ?? ""],
    queryFn: ({ signal }) => get<SpaceGlances>("/v2/space_summaries", { start }, signal),
    refetchInterval: LIVE_MS,
    placeholderData: keepPreviousData,
  });

export const spaceQuery = (id: string) =>
  queryOptions({
    queryKey: ["space", id],
    queryFn: ({ signal }) => get<Space>(`/v2/spaces/${id}`, {}, signal),
    staleTime: 30_000,
  });

export const createSpace = (body: { name: string; description: string }) => post<Space>("/v2/spaces", body);

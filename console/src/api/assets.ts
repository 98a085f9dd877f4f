import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, post, type Query, remove, url } from "./client";
import { LIVE_MS } from "./queryClient";
import type { components } from "./schema";

export type AssetGlance = components["schemas"]["AssetGlance"];
export type AssetGlances = components["schemas"]["AssetGlances"];
export type OutputsGlance = components["schemas"]["OutputsGlance"];
export type AssetUses = components["schemas"]["AssetUsesDocument"];
export type UseGlance = components["schemas"]["UseGlance"];

export interface Field {
  name: string;
  type: string;
}

interface MlEntity {
  type?: string;
  software_spec?: { name?: string };
  schemas?: { input?: { fields?: Field[] }[] };
}

/** An asset as `/v2/assets` shows it; of its members those that the console uses. */
export interface Asset {
  metadata: {
    name: string;
    description: string;
    asset_type: string;
    size: number;
    created_at: string;
    revision_id?: number;
    commit_info?: { committed_at: string };
  };
  entity: Record<string, MlEntity | undefined>;
  attachments?: { id: string; name: string; size: number; connection_id?: string; connection_path?: string }[];
}

/** The first rows of a data asset; a cell is text, a nested value or null. */
export interface Preview {
  size: number | null;
  columns: { name: string; type: string; inferred: boolean }[];
  rows: unknown[][];
  row_count: number | null;
  row_count_kind: "exact" | "estimated" | "unknown";
  unreadable_rows: number;
  columns_left_out: number;
}

export const assetsQuery = (space: string, asked: Query) =>
  queryOptions({
    queryKey: ["assets", space, asked],
    queryFn: ({ signal }) => get<AssetGlances>("/v2/asset_summaries", { space_id: space, limit: 50, ...asked }, signal),
    refetchInterval: LIVE_MS,
    placeholderData: keepPreviousData,
  });

export const assetQuery = (space: string, id: string) =>
  queryOptions({
    queryKey: ["asset", space, id],
    queryFn: ({ signal }) => get<Asset>(`/v2/assets/${id}`, { space_id: space }, signal),
  });

export const usesQuery = (space: string, id: string) =>
  queryOptions({
    queryKey: ["asset", space, id, "uses"],
    queryFn: ({ signal }) => get<AssetUses>(`/v2/assets/${id}/uses`, { space_id: space }, signal),
  });

export const revisionsQuery = (space: string, id: string) =>
  queryOptions({
    queryKey: ["asset", space, id, "revisions"],
    queryFn: ({ signal }) => get<{ results: Asset[] }>(`/v2/assets/${id}/revisions`, { space_id: space, limit: 100 }, signal),
  });

export const previewQuery = (space: string, id: string) =>
  queryOptions({
    queryKey: ["asset", space, id, "preview"],
    queryFn: ({ signal }) => get<Preview>(`/v2/assets/${id}/preview`, { space_id: space, rows: 50 }, signal),
    staleTime: 60_000,
    retry: false,
  });

export const deleteAsset = (space: string, id: string) => remove(`/v2/assets/${id}`, { space_id: space });

export const freezeAsset = (space: string, id: string) => post(`/v2/assets/${id}/revisions`, {}, { space_id: space });

/** Where the content of an asset is to be had; null where it has none of its own. */
export async function contentOf(space: string, id: string, asset: Asset): Promise<string | null> {
  const scope = { space_id: space };
  if (asset.metadata.asset_type === "wml_model") return url(`/ml/v4/models/${id}/content`, scope);
  if (asset.metadata.asset_type === "wml_function") return url(`/ml/v4/functions/${id}/code`, scope);
  const attachment = asset.attachments?.find((each) => !each.connection_id);
  if (!attachment) return null;
  const found = await get<{ url?: string }>(`/v2/assets/${id}/attachments/${attachment.id}`, scope);
  return found.url ?? null;
}

/** The columns of a model's input, where its schema names them. */
export const fieldsOf = (asset: Asset | undefined): Field[] =>
  asset?.entity[asset.metadata.asset_type]?.schemas?.input?.[0]?.fields ?? [];

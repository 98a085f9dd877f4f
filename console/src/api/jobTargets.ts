import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";

const MOST_LISTED = 200;
const KINDS = ["script", "notebook", "code_package", "orchestration_flow", "flow"];

/** What a job runs: a deployment, or an asset that needs none. */
export interface Target {
  kind: "deployment" | "asset";
  id: string;
  name: string;
  /** What is deployed, or the asset's type, in the API's words. */
  type: string;
  /** The deployed asset. */
  asset?: string;
}

export interface Field {
  name: string;
  type: string;
}

interface Deployment {
  metadata: { id: string; name: string };
  entity: { asset: { id: string; rev?: string }; deployed_asset_type?: string };
}

interface Asset {
  metadata: { asset_id: string; name: string; asset_type: string };
}

interface Model {
  entity: { schemas?: { input?: { fields?: Field[] }[] } };
}

/** What the preview of a data asset tells, as far as it is used here. */
interface DataPreview {
  columns: { name: string; type: string }[];
}

export interface DataAsset {
  id: string;
  name: string;
}

const ofDeployment = ({ metadata, entity }: Deployment): Target => ({
  kind: "deployment",
  id: metadata.id,
  name: metadata.name,
  type: entity.deployed_asset_type ?? "deployment",
  asset: entity.asset.id,
});

const ofAsset = ({ metadata }: Asset): Target => ({
  kind: "asset",
  id: metadata.asset_id,
  name: metadata.name,
  type: metadata.asset_type,
});

export const targetQuery = (space: string, kind: Target["kind"], id: string) =>
  queryOptions({
    queryKey: ["job target", kind, id],
    queryFn: async ({ signal }) =>
      kind === "deployment"
        ? ofDeployment(await get<Deployment>(`/ml/v4/deployments/${id}`, { space_id: space }, signal))
        : ofAsset(await get<Asset>(`/v2/assets/${id}`, { space_id: space }, signal)),
    staleTime: 60_000,
  });

/** Everything in a space that a job can run. */
export const targetsQuery = (space: string) =>
  queryOptions({
    queryKey: ["job targets", space],
    queryFn: async ({ signal }) => {
      const asked = { space_id: space, limit: MOST_LISTED };
      const [deployed, ...found] = await Promise.all([
        get<{ resources: Deployment[] }>("/ml/v4/deployments", asked, signal),
        ...KINDS.map((kind) => find(space, kind, "*:*")),
      ]);
      return [...deployed.resources.map(ofDeployment), ...found.flat().map(ofAsset)];
    },
  });

/** The columns that a deployed model wants; empty where it says nothing. */
export const schemaQuery = (space: string, target: Target) =>
  queryOptions({
    queryKey: ["schema", target.asset ?? ""],
    queryFn: async ({ signal }) => {
      const model = await get<Model>(`/ml/v4/models/${target.asset}`, { space_id: space }, signal);
      return model.entity.schemas?.input?.[0]?.fields ?? [];
    },
    enabled: target.type === "model",
    staleTime: 60_000,
  });

/** The newest data assets whose name has this text in it. */
export const dataAssetsQuery = (space: string, text: string) =>
  queryOptions({
    queryKey: ["data assets", space, text],
    queryFn: async (): Promise<DataAsset[]> => {
      const query = text.trim() ? `asset.name:*${text.trim().replace(/[^\w.-]/g, "\\$&")}*` : "*:*";
      const found = await find(space, "data_asset", query, 10);
      return found.map(({ metadata }) => ({ id: metadata.asset_id, name: metadata.name }));
    },
    placeholderData: keepPreviousData,
  });

export const columnsQuery = (space: string, asset: string) =>
  queryOptions({
    queryKey: ["columns", asset],
    queryFn: ({ signal }) => get<DataPreview>(`/v2/assets/${asset}/preview`, { space_id: space, rows: 5 }, signal),
    staleTime: 60_000,
  });

async function find(space: string, type: string, query: string, limit = MOST_LISTED): Promise<Asset[]> {
  const body = { query, sort: "-asset.created_at", limit };
  return (await post<{ results: Asset[] }>(`/v2/asset_types/${type}/search`, body, { space_id: space })).results;
}

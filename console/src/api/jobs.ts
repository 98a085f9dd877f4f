import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { Asset, Deployment } from "./answers";
import { Refusal, send } from "./client";
import { ask } from "./queries";

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

export type DataAsset = { id: string; name: string };

const ofDeployment = ({ metadata: { id, name }, entity }: Deployment): Target => ({
  kind: "deployment", id, name, type: entity.deployed_asset_type ?? "deployment", asset: entity.asset.id,
});

const ofAsset = ({ metadata: { asset_id: id, name, asset_type: type } }: Asset): Target => ({ kind: "asset", id, name, type });

export const targetQuery = (space_id: string, kind: Target["kind"], id: string) =>
  queryOptions({
    queryKey: ["job target", kind, id],
    queryFn: async () =>
      kind === "deployment"
        ? ofDeployment(await ask("/ml/v4/deployments/{deployment_id}", { deployment_id: id, space_id }))
        : ofAsset(await ask("/v2/assets/{asset_id}", { asset_id: id, space_id })),
    staleTime: 60_000,
  });

/** Everything in a space that a job can run. */
export const targetsQuery = (space_id: string) =>
  queryOptions({
    queryKey: ["job targets", space_id],
    queryFn: async () => {
      const [deployed, ...found] = await Promise.all([
        ask("/ml/v4/deployments", { space_id, limit: MOST_LISTED }),
        ...KINDS.map((kind) => find(space_id, kind, "*:*")),
      ]);
      return [...deployed.resources.map(ofDeployment), ...found.flat().map(ofAsset)];
    },
  });

/** The newest data assets whose name has this text in it. */
export const dataAssetsQuery = (space: string, text: string) =>
  queryOptions({
    queryKey: ["data assets", space, text],
    queryFn: async (): Promise<DataAsset[]> => {
      const query = text.trim() ? `asset.name:*${text.trim().replace(/[^\w.-]/g, "\\$&")}*` : "*:*";
      return (await find(space, "data_asset", query, 10)).map(({ metadata: { asset_id: id, name } }) => ({ id, name }));
    },
    placeholderData: keepPreviousData,
  });

async function find(space_id: string, asset_type: string, query: string, limit = MOST_LISTED): Promise<Asset[]> {
  const body = { query, sort: "-asset.created_at", limit };
  return (await send<{ results: Asset[] }>("POST", "/v2/asset_types/{asset_type}/search", { asset_type, space_id }, body)).results;
}

/** A job as `POST /v2/jobs` takes it; what is left out is the installation's default. */
export interface JobBody {
  name: string;
  asset_ref: string;
  asset_ref_type: string;
  configuration: Record<string, unknown>;
  [name: string]: unknown;
}

export type Table = { fields?: string[]; values: unknown[][] };

/** What a job is to do; nothing where nothing is in it. */
export type Scoring = { input_data?: Table[]; input_data_references?: object[] | undefined; output_data_reference?: object | undefined };

type Made = { asset_id: string };

export const DEPLOYMENT = "wml_deployment";
const DEFINITIONS = "/ml/v4/deployment_job_definitions";
const pendingKey = (deployment: string) => `gristmill.definition.${deployment}`;

/** Refuses what making the job would refuse, and makes nothing. */
export const checkJob = (space_id: string, job: JobBody, scoring: Scoring) =>
  send("POST", "/v2/jobs", { space_id, dry_run: true }, { job: withScoring(job, scoring) });

/**
 * Makes a job; returns its id. What a job of a deployment is to do is kept first, and goes again where the job is refused.
 * Where no answer came the job may be there: its definition is remembered, and the next try looks for the job first.
 */
export async function makeJob(space: string, job: JobBody, scoring: Scoring): Promise<string> {
  const deployment = job.asset_ref;
  if (job.asset_ref_type !== DEPLOYMENT) return made(space, withScoring(job, scoring));
  const found = await afterLostAnswer(space, deployment);
  if (found) return found;
  const body = { name: job.name, space_id: space, deployment: { id: deployment }, scoring };
  const definition = (await send<{ metadata: { id: string } }>("POST", DEFINITIONS, {}, body)).metadata.id;
  sessionStorage.setItem(pendingKey(deployment), definition);
  try {
    const configuration = { ...job.configuration, deployment_job_definition_id: definition };
    const id = await made(space, { ...job, configuration });
    sessionStorage.removeItem(pendingKey(deployment));
    return id;
  } catch (error) {
    if (error instanceof Refusal && error.about.status !== 0) await drop(space, deployment, definition);
    throw error;
  }
}

/** Looks what became of a job whose answer was lost: its id, or null where it is not there, and nor is its definition. */
async function afterLostAnswer(space: string, deployment: string): Promise<string | null> {
  const pending = sessionStorage.getItem(pendingKey(deployment));
  if (!pending) return null;
  const { results } = await ask("/v2/jobs", { space_id: space, asset_ref: deployment, limit: 200 });
  const job = results.find(({ entity }) => entity.job.configuration.deployment_job_definition_id === pending);
  if (!job) await drop(space, deployment, pending);
  sessionStorage.removeItem(pendingKey(deployment));
  return job?.asset_id ?? null;
}

/** Takes a definition away that no job has; where that fails, the next try does it. */
async function drop(space: string, deployment: string, definition: string): Promise<void> {
  try {
    await send("DELETE", `${DEFINITIONS}/${definition}`, { space_id: space });
  } catch (error) {
    if (!(error instanceof Refusal) || error.about.status !== 404) return;
  }
  sessionStorage.removeItem(pendingKey(deployment));
}

const withScoring = (job: JobBody, scoring: Scoring): JobBody =>
  Object.values(scoring).some(Boolean) ? { ...job, configuration: { ...job.configuration, scoring } } : job;

export async function startJob(job: string): Promise<string> {
  return (await send<Made>("POST", `/v2/jobs/${job}/runs`, {}, { job_run: {} })).asset_id;
}

const made = async (space_id: string, job: JobBody) => (await send<Made>("POST", "/v2/jobs", { space_id }, { job })).asset_id;

const ASK_AGAIN_MS = 400;

interface DeploymentJob {
  metadata: { id: string };
  entity: {
    scoring: {
      status: { state: string; message?: { text: string } };
      predictions?: Table[];
      preview?: { rows?: number; seconds?: number; estimate?: { rows: number; seconds: number } };
    };
  };
}

/** Runs the first rows through a deployed model, and waits for it; tells in words how long they and the whole take. */
export async function previewRun(space_id: string, deployment: string, scoring: Scoring, signal: AbortSignal) {
  let job = await send<DeploymentJob>("POST", `/ml/v4/deployments/${deployment}/preview`, { space_id }, { scoring });
  while (!["completed", "failed", "canceled"].includes(job.entity.scoring.status.state)) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    job = await send<DeploymentJob>("GET", `/ml/v4/deployment_jobs/${job.metadata.id}`, { space_id }, undefined, signal);
  }
  const { status, predictions: tables = [], preview: { rows = 0, seconds = 0, estimate } = {} } = job.entity.scoring;
  if (status.state !== "completed") throw new Error(status.message?.text ?? `The preview was ${status.state}.`);
  const whole = ` The whole has about ${estimate?.rows} rows and takes at most about ${estimate?.seconds} s.`;
  const told = `${rows === 1 ? "1 row" : `${rows} rows`} took ${seconds.toFixed(1)} s, start included.`;
  return { tables, told: estimate && estimate.rows > rows ? told + whole : told };
}

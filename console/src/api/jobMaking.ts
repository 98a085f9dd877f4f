import { get, post, Refusal, remove } from "./client";

/** A job as `POST /v2/jobs` takes it; what is left out is the installation's default. */
export interface JobBody {
  name: string;
  description: string;
  asset_ref: string;
  asset_ref_type: string;
  configuration: Record<string, unknown>;
  schedule?: string;
  schedule_info?: Record<string, unknown>;
  retention_policy?: Record<string, unknown>;
  notification_types?: Record<string, boolean>;
  notification_channels?: string[];
  long_running_minutes?: number;
  not_started_minutes?: number;
}

export interface Scoring {
  input_data?: Table[];
  input_data_references?: Reference[];
  output_data_reference?: Reference;
}

export interface Table {
  fields?: string[];
  values: unknown[][];
}

interface Reference {
  type: "data_asset";
  connection: Record<string, never>;
  location: { href: string } | { name: string };
}

interface Made {
  asset_id: string;
}

interface JobsPage {
  results: { asset_id: string; entity: { job: { configuration: { deployment_job_definition_id?: string } } } }[];
}

export const DEPLOYMENT = "wml_deployment";
const DEFINITIONS = "/ml/v4/deployment_job_definitions";
const pendingKey = (deployment: string) => `gristmill.definition.${deployment}`;

/** Refuses what making the job would refuse, and makes nothing. */
export const checkJob = (space: string, job: JobBody, scoring: Scoring) =>
  post<void>("/v2/jobs", { job: withScoring(job, scoring) }, { space_id: space, dry_run: true });

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
  const definition = (await post<{ metadata: { id: string } }>(DEFINITIONS, body)).metadata.id;
  sessionStorage.setItem(pendingKey(deployment), definition);
  try {
    const configuration = { ...job.configuration, deployment_job_definition_id: definition };
    const id = await made(space, { ...job, configuration });
    sessionStorage.removeItem(pendingKey(deployment));
    return id;
  } catch (error) {
    if (error instanceof Refusal && error.status !== 0) await drop(space, deployment, definition);
    throw error;
  }
}

/** Looks what became of a job whose answer was lost: its id, or null where it is not there, and nor is its definition. */
async function afterLostAnswer(space: string, deployment: string): Promise<string | null> {
  const pending = sessionStorage.getItem(pendingKey(deployment));
  if (!pending) return null;
  const { results } = await get<JobsPage>("/v2/jobs", { space_id: space, asset_ref: deployment, limit: 200 });
  const job = results.find(({ entity }) => entity.job.configuration.deployment_job_definition_id === pending);
  if (!job) await drop(space, deployment, pending);
  sessionStorage.removeItem(pendingKey(deployment));
  return job?.asset_id ?? null;
}

/** Takes a definition away that no job has; where that fails, the next try does it. */
async function drop(space: string, deployment: string, definition: string): Promise<void> {
  try {
    await remove(`${DEFINITIONS}/${definition}`, { space_id: space });
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 404) return;
  }
  sessionStorage.removeItem(pendingKey(deployment));
}

const withScoring = (job: JobBody, scoring: Scoring): JobBody =>
  Object.keys(scoring).length ? { ...job, configuration: { ...job.configuration, scoring } } : job;

export async function startJob(job: string): Promise<string> {
  return (await post<Made>(`/v2/jobs/${job}/runs`, { job_run: {} })).asset_id;
}

const made = async (space: string, job: JobBody) => (await post<Made>("/v2/jobs", { job }, { space_id: space })).asset_id;

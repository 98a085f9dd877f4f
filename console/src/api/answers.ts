import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

export type Readable = { [P in keyof paths]: paths[P] extends { get: object } ? P : never }[keyof paths];

/** What a GET route answers: as the API describes it, or as is written here where it describes nothing. */
export type Answer<P extends Readable> = P extends keyof Bare
  ? Bare[P]
  : paths[P] extends { get: { responses: { 200: { content: { "application/json": infer A } } } } }
    ? A
    : never;

/** The routes that answer with a bare object; of its members those that the console uses. */
interface Bare {
  "/v1/users": Resources<User>;
  "/v1/api_keys": Resources<ApiKey>;
  "/v1/task_credentials": { credentials: { id: string; name: string; created_at: string }[] };
  "/v2/notifications": { results: Notification[]; unread_count: number; total_rows?: number; next?: { start: string } };
  "/v2/notification_channels": { results: Channel[] };
  "/v2/notification_channels/{channel_id}/deliveries": { results: Delivery[] };
  "/v2/spaces/{space_id}": Space;
  "/v2/spaces/{space_id}/members": Resources<Member>;
  "/v2/assets/{asset_id}": Asset;
  "/v2/trashed_assets": Resources<Asset>;
  "/v2/assets/{asset_id}/preview": Preview;
  "/v2/assets/{asset_id}/revisions": { results: Asset[] };
  "/v2/connections/{connection_id}": Connection;
  "/v2/connections/{connection_id}/assets": { assets: Entry[]; next?: { href: string } };
  "/v2/datasource_types": Resources<DatasourceType>;
  "/v2/software_specifications": Resources<Software>;
  "/v2/hardware_specifications": Resources<Hardware>;
  "/v2/jobs": { results: { metadata: { asset_id: string; name: string }; asset_id: string; entity: { job: JobEntity } }[] };
  "/v2/jobs/{job_id}": Job;
  "/v2/jobs/{job_id}/schedule_preview": { results: { at: string; local: string; note?: string }[] };
  "/v2/jobs/{job_id}/retention_preview": Retention;
  "/v2/jobs/{job_id}/runs": { total_rows: number; results: Run[]; next?: { start: string } };
  "/v2/jobs/{job_id}/runs/{run_id}": Run;
  "/v2/jobs/{job_id}/runs/{run_id}/history": { results: RunEvent[] };
  "/v2/jobs/{job_id}/runs/{run_id}/profile": Profile;
  "/v2/jobs/{job_id}/runs/{run_id}/results": { results: { name: string; mime: string; size: number; href: string }[] };
  "/ml/v4/deployments": Resources<Deployment>;
  "/ml/v4/deployments/{deployment_id}": Deployment;
  "/ml/v4/models/{asset_id}": { entity: MlEntity };
}

interface Resources<T> {
  resources: T[];
  next?: { href: string };
}

export type User = { id: string; name: string; display_name: string; email: string; administrator: boolean; disabled: boolean };

export type ApiKey = { id: string; name: string; hint?: string; created_at: string; last_used_at?: string };

export type Notification = {
  event_id: string; kind: string; title: string; text: string; created_at: string; read: boolean; space_id?: string;
  job_id?: string; run_id?: string;
};

export type Channel = {
  id: string; name: string; type: string; settings: { addresses?: string[]; url?: string; secret?: string };
};

type Delivery = { id: string; kind: string; at: string; target: string; state: string; attempts: number; last_error?: string };

export type Space = {
  metadata: { id: string };
  entity: { name: string; description: string; paused: boolean; retention?: { days?: number; amount?: number } };
};

export type Member = { id: string; name: string; role: string };

export type Field = { name: string; type: string };

type MlEntity = { type?: string; software_spec?: { name?: string }; schemas?: { input?: { fields?: Field[] }[] } };

export type Asset = {
  metadata: {
    asset_id: string; name: string; description: string; asset_type: string; size: number; created_at: string;
    revision_id?: number; commit_info?: { committed_at: string };
  };
  entity: Record<string, MlEntity | undefined>;
  attachments?: { id: string; name: string; size: number; connection_id?: string; connection_path?: string }[];
};

/** The first rows of a data asset; a cell is text, a nested value or null. */
export type Preview = {
  size: number | null; columns: { name: string; type: string; inferred: boolean }[]; rows: unknown[][];
  row_count: number | null; row_count_kind: "exact" | "estimated" | "unknown"; unreadable_rows: number;
  columns_left_out: number;
};

/** A property of a type of connection; one that is masked is a secret, which the server never gives out again. */
export type Property = { name: string; type: string; required: boolean; masked: boolean };

export type DatasourceType = {
  metadata: { asset_id: string };
  entity: { name: string; label: string; status: string; properties?: { connection: Property[] } };
};

export type Connection = {
  metadata: { asset_id: string; create_time: string };
  entity: { name: string; description: string; datasource_type: string; properties: Record<string, unknown> };
};

/** Something behind a connection. */
export type Entry = { name: string; type: string; path: string; details: { size?: number; rows?: number; modified?: string } };

type Specification = { metadata: { asset_id: string; name: string; description?: string } };

type Software = Specification & {
  entity: { software_specification: { software_configuration: { platform: { name: string; version: string } } } };
};

type Hardware = Specification & {
  entity: { hardware_specification: { nodes: { cpu?: { units: string }; mem?: { size: string } } } };
};

export type Deployment = {
  metadata: { id: string; name: string };
  entity: { name: string; asset: { id: string; rev?: string }; deployed_asset_type?: string; batch?: { max_running: number } };
};

type JobEntity = {
  asset_ref: string; asset_ref_type: string;
  configuration: Record<string, unknown> & { env_variables?: string[]; hardware_spec?: { id?: string }; deployment_job_definition_id?: string };
  paused: boolean; schedule: string; schedule_info?: ScheduleInfo; schedule_id: string;
  retention_policy?: { amount?: number; days?: number }; notification_types?: Record<string, boolean>;
  notification_channels?: string[]; long_running_minutes?: number; not_started_minutes?: number;
};

type Policies = Partial<Record<"gap" | "fold" | "missed" | "overlap", string>>;

type ScheduleInfo = {
  timezone?: string; repeat?: boolean; startOn?: number; endOn?: number;
  rule?: { cron?: string; every?: { number: number; unit: string }; excluded_weekdays?: string[]; schedule?: string } & Policies;
};

export type Job = {
  metadata: { asset_id: string; name: string; description: string; created_at: string }; entity: { job: JobEntity };
};

export type Retention = {
  policy: { amount?: number; days?: number; results?: string }; source: string; runs: number; bytes: number;
  bytes_exact: boolean; results_deleted: number;
};

/** The names of states in the jobs API. */
export type RunState =
  "Queued" | "Starting" | "Running" | "Canceling" | "Completed" | "CompletedWithWarnings" | "Failed" | "Canceled";

export const FINAL: RunState[] = ["Completed", "CompletedWithWarnings", "Failed", "Canceled"];

/** How far a run is, and what became of its rows (or of what else it counts, by `unit`). */
type RunRows = {
  done?: number; total?: number; per_second?: number; estimated_end?: string; read?: number; scored?: number;
  rejected?: number; unit?: string;
};

export type RunNode = {
  id: string; label: string; state: string; started_at?: string; finished_at?: string;
  cause?: { code: string; message: string }; after: string[]; kept?: boolean;
};

/** What there is to say of a run. Times are milliseconds, 0: none. */
export type RunEntity = {
  job_ref: string; job_name: string; job_type: string; runtime_job_id: string;
  state: RunState; attempt: number; isScheduledRun: boolean; repair_of?: string; rejected_of?: string;
  queue_start: number; execution_start: number; execution_end: number;
  waiting?: { reason: string; place: number; estimated_start?: string };
  failure?: { code: string; message: string };
  warning?: string;
  rows?: RunRows;
  rejections?: { source: string; row: number; reason: string; column?: string | null; value?: string | null }[];
  kept_rows?: { done: number; total?: number };
  nodes?: RunNode[];
  packages?: Record<string, string>; peak_memory_bytes?: number; cpu_seconds?: number; isolation?: string[];
};

export type Run = { metadata: { asset_id: string; name: string; created_at: string }; entity: { job_run: RunEntity } };

export type RunEvent = { event: string; state: string; at: string };

export type ColumnProfile = {
  name: string; rows: number; nulls: number; minimum?: number; maximum?: number; mean?: number;
  categories?: [unknown, number][];
};

export type Profile = { results: ColumnProfile[]; compared: { run_id: string; findings: string[] } | null };

/** The columns of a model's input, where its schema names them. */
export const fieldsOf = (entity: MlEntity | undefined): Field[] => entity?.schemas?.input?.[0]?.fields ?? [];

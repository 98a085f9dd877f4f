import { get, post } from "./client";
import type { Scoring, Table } from "./jobMaking";

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

/** The predictions of the first rows, and in words how long they and the whole take. */
export interface PreviewResult {
  tables: Table[];
  told: string;
}

/** Runs the first rows through a deployed model, and waits for it. */
export async function previewRun(
  space: string,
  deployment: string,
  scoring: Scoring,
  signal: AbortSignal,
): Promise<PreviewResult> {
  const asked = { space_id: space };
  let job = await post<DeploymentJob>(`/ml/v4/deployments/${deployment}/preview`, { scoring }, asked);
  while (!["completed", "failed", "canceled"].includes(job.entity.scoring.status.state)) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    job = await get<DeploymentJob>(`/ml/v4/deployment_jobs/${job.metadata.id}`, asked, signal);
  }
  const { status, predictions = [], preview = {} } = job.entity.scoring;
  if (status.state !== "completed") throw new Error(status.message?.text ?? `The preview was ${status.state}.`);
  const { rows = 0, seconds = 0, estimate } = preview;
  const whole = estimate && estimate.rows > rows ? ` The whole has about ${estimate.rows} rows and takes at most about ${estimate.seconds} s.` : "";
  return { tables: predictions, told: `${rows === 1 ? "1 row" : `${rows} rows`} took ${seconds.toFixed(1)} s, start included.${whole}` };
}

import { ProgressBar } from "@carbon/react";
import { FINAL, type Run, type RunEntity, type RunEvent, useRead } from "../../api";
import { between, count, duration, Status, useLiveNow } from "../../kit";
import { goToLine } from "./logStore";
import { inState, type RunProps } from "./RunPage";

/** The one line that says it all; where the run failed, why, with the first line of its log that tells of it. */
export function Head({ run, firstError }: { run: Run; firstError: number | null }) {
  const told = run.entity.job_run;
  const { state, failure, warning, waiting } = told;
  const done = percent(told);
  return (
    <div className="headline">
      <p><Status state={state} /> <span>{sentence(told, useLiveNow(!FINAL.includes(state)))}</span></p>
      {done !== null && state === "Running" && <ProgressBar hideLabel label={`${done} % done`} value={done} />}
      {waiting && <p>{waiting.reason}</p>}
      {failure && <p className="cause">{failure.message} <code>{failure.code}</code> {firstError && <LineLink line={firstError} />}</p>}
      {warning && <p>{warning}</p>}
    </div>
  );
}

function LineLink({ line }: { line: number }) {
  const go = (event: React.MouseEvent) => {
    event.preventDefault();
    goToLine(line);
  };
  return <a href={`#L${line}`} onClick={go}>{`Line ${count(line)} of the log`}</a>;
}

/** How much of a run is done, from 0 to 100; null where nobody knows. */
function percent({ rows }: RunEntity): number | null {
  if (!rows?.total || rows.done === undefined) return null;
  return Math.min(100, Math.floor((100 * rows.done) / rows.total));
}

/** All that a run has to say, in one line; `now` in milliseconds. Why a run failed is said beside it. */
function sentence(run: RunEntity, now: number): string {
  const { state, waiting, execution_start: begun, execution_end: ended } = run;
  if (state === "Queued") return waiting ? `Place ${waiting.place}${about(waiting.estimated_start, now, ", starts in about ")}` : "";
  if (state === "Starting") return "Its inputs and its environment are being prepared";
  const took = between(begun, ended || now);
  return [...(ended ? totals(run) : progress(run, now)), took !== null && `${ended ? "took" : "for"} ${duration(took)}`].filter(Boolean).join(" · ");
}

function progress(run: RunEntity, now: number): (string | false)[] {
  const { done, total, per_second: speed, estimated_end: end, unit = "rows" } = run.rows ?? {};
  if (done === undefined) return [];
  const share = percent(run);
  const left = about(end, now, "about ");
  return [
    share !== null && `${share} %`,
    `${count(done)}${total ? ` of ${count(total)}` : ""} ${unit}`,
    speed ? `${count(Math.round(speed))} ${unit}/s` : false,
    left && `${left} left`,
  ] as (string | false)[];
}

function totals({ rows: { done, total, read, scored = 0, rejected, unit = "rows" } = {} }: RunEntity): string[] {
  if (read !== undefined) return [`${count(scored)} of ${count(read)} rows scored`, ...(rejected ? [`${count(rejected)} rejected`] : [])];
  return done === undefined ? [] : [`${count(done)}${total ? ` of ${count(total)}` : ""} ${unit}`];
}

const about = (at: string | undefined, now: number, words: string) =>
  at ? `${words}${duration(Math.max(0, Date.parse(at) - now) / 1000)}` : "";

type Stage = { name: string; seconds: number | null; now: boolean };

/** Through what the run went and how long each part took. Writing is told while it lasts; later it is part of scoring. */
export function Stages({ of, run }: RunProps) {
  const told = run.entity.job_run;
  const { data } = useRead("/v2/jobs/{job_id}/runs/{run_id}/history", of, inState(run));
  const stages = stagesOf(told, data?.results ?? [], useLiveNow(!FINAL.includes(told.state)));
  return (
    <ol className="stages" aria-label="Stages">
      {stages.map(({ name, seconds, now }) => (
        <li key={name} aria-current={now ? "step" : undefined} className={seconds === null ? "ahead" : ""}>
          {name}
          <small>{seconds === null ? "-" : duration(seconds)}</small>
        </li>
      ))}
    </ol>
  );
}

function stagesOf(run: RunEntity, history: RunEvent[], now: number): Stage[] {
  const { state, queue_start: queued, execution_start: begun, execution_end: ended, rows, job_type: type } = run;
  const claim = history.findLast(({ event }) => event === "claimed");
  const claimed = claim ? Date.parse(claim.at) : begun || null;
  const end = ended || now;
  const over = FINAL.includes(state);
  const writes = state === "Running" && rows?.total !== undefined && rows.done === rows.total;
  const work = type === "deployment" || rows?.read !== undefined ? "Scoring" : "Running";
  const stages = [
    { name: "Queued", seconds: between(queued, claimed ?? end), now: state === "Queued" },
    { name: "Preparing", seconds: between(claimed, begun || end), now: state === "Starting" },
    { name: over ? `${work} and writing` : work, seconds: between(begun, end), now: state === "Running" && !writes },
  ];
  return over || rows?.total === undefined ? stages : [...stages, { name: "Writing", seconds: writes ? 0 : null, now: writes }];
}

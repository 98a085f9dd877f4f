import type { Run } from "../../api/runs";
import { duration } from "../../kit/time";

const count = (number: number) => number.toLocaleString("en");

/** "1 line", "2,000 lines". */
export const counted = (number: number, what: string) => `${count(number)} ${what}${number === 1 ? "" : "s"}`;

/** How much of a run is done, from 0 to 100; null where nobody knows. */
export function percent(run: Run): number | null {
  const rows = run.entity.job_run.rows;
  if (!rows?.total || rows.done === undefined) return null;
  return Math.min(100, Math.floor((100 * rows.done) / rows.total));
}

/** All that a run has to say, in one line; `now` in milliseconds. Why a run failed is said beside it. */
export function sentence(run: Run, now: number): string {
  const { state, waiting, execution_start: begun, execution_end: ended } = run.entity.job_run;
  if (state === "Queued") return waiting ? `Place ${waiting.place}${about(waiting.estimated_start, now, "starts in about")}` : "";
  if (state === "Starting") return "Its inputs and its environment are being prepared";
  const parts = [...(ended ? totals(run) : progress(run, now))];
  if (begun) parts.push(`${ended ? "took" : "for"} ${duration(Math.max(0, (ended || now) - begun) / 1000)}`);
  return parts.join(" · ");
}

function progress(run: Run, now: number): string[] {
  const rows = run.entity.job_run.rows;
  if (rows?.done === undefined) return [];
  const share = percent(run);
  const unit = rows.unit ?? "rows";
  const parts = [
    ...(share === null ? [] : [`${share} %`]),
    rows.total ? `${count(rows.done)} of ${count(rows.total)} ${unit}` : `${count(rows.done)} ${unit}`,
  ];
  if (rows.per_second) parts.push(`${count(Math.round(rows.per_second))} ${unit}/s`);
  const left = about(rows.estimated_end, now, "about");
  return left ? [...parts, `${left.replace(", ", "")} left`] : parts;
}

function totals(run: Run): string[] {
  const rows = run.entity.job_run.rows;
  if (rows?.read !== undefined) {
    const rejected = rows.rejected ? [`${count(rows.rejected)} rejected`] : [];
    return [`${count(rows.scored ?? 0)} of ${count(rows.read)} rows scored`, ...rejected];
  }
  return rows?.done !== undefined ? [`${count(rows.done)}${rows.total ? ` of ${count(rows.total)}` : ""} ${rows.unit ?? "rows"}`] : [];
}

function about(at: string | undefined, now: number, words: string): string {
  return at ? `, ${words} ${duration(Math.max(0, Date.parse(at) - now) / 1000)}` : "";
}

import { useState } from "react";
import type { Run } from "../../api/runs";
import { lookOf } from "../../kit/Status";
import { absolute, duration } from "../../kit/time";

const WIDTH = 720;
const HEIGHT = 140;
const GAP = 2;

interface Bar {
  run: Run;
  waited: number;
  worked: number;
}

/** Waiting (grey) and working time of the newest runs, the oldest at the left, with the median of those that completed. */
export function RunChart({ runs, open }: { runs: Run[]; open: (run: Run) => void }) {
  const [hovered, setHovered] = useState<Bar | null>(null);
  const bars = runs.map(barOf).reverse();
  if (bars.length === 0) return null;
  const most = Math.max(...bars.map(({ waited, worked }) => waited + worked), 0.001);
  const median = medianOf(bars);
  const pitch = WIDTH / Math.max(bars.length, 20);
  const y = (seconds: number) => HEIGHT - (HEIGHT * seconds) / most;
  return (
    <figure className="run-chart">
      <figcaption>{hovered ? said(hovered) : `Waiting and working time, up to ${duration(most)}${median === null ? "" : `; median ${duration(median)}`}`}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label(bars, median)} onMouseLeave={() => setHovered(null)}>
        {bars.map((bar, index) => (
          <g key={bar.run.metadata.asset_id} onMouseEnter={() => setHovered(bar)} onClick={() => open(bar.run)} className="bar">
            <rect className="hit" x={index * pitch} width={pitch} height={HEIGHT} />
            <rect className="tone-waiting" x={index * pitch} y={y(bar.waited)} width={pitch - GAP} height={HEIGHT - y(bar.waited)} />
            <rect className={`tone-${tone(bar)}`} x={index * pitch} y={y(bar.waited + bar.worked)} width={pitch - GAP} height={Math.max(1, y(bar.waited) - y(bar.waited + bar.worked))} />
            {tone(bar) === "bad" && <path className="notch" d={`M${index * pitch} ${HEIGHT} l${(pitch - GAP) / 2} -8 l${(pitch - GAP) / 2} 8 z`} />}
          </g>
        ))}
        {median !== null && <line className="median" x1="0" x2={WIDTH} y1={y(median)} y2={y(median)} />}
      </svg>
    </figure>
  );
}

const tone = ({ run }: Bar) => lookOf(run.entity.job_run.state).tone;

function barOf(run: Run): Bar {
  const { queue_start: queued, execution_start: begun, execution_end: ended } = run.entity.job_run;
  const until = (from: number, to: number) => (from && to ? Math.max(0, to - from) / 1000 : 0);
  return { run, waited: until(queued, begun || ended), worked: until(begun, ended) };
}

function medianOf(bars: Bar[]): number | null {
  const good = bars.filter(({ run }) => run.entity.job_run.state.startsWith("Completed")).map(({ worked }) => worked);
  if (good.length === 0) return null;
  good.sort((a, b) => a - b);
  const middle = good.length / 2;
  return ((good[Math.ceil(middle) - 1] ?? 0) + (good[Math.floor(middle)] ?? 0)) / 2;
}

function said({ run, waited, worked }: Bar): string {
  const { state, queue_start: queued } = run.entity.job_run;
  return `${lookOf(state).word}, ${absolute(queued)}: waited ${duration(waited)}, worked ${duration(worked)}`;
}

function label(bars: Bar[], median: number | null): string {
  const failed = bars.filter((bar) => tone(bar) === "bad").length;
  return `Waiting and working time of ${bars.length} runs, ${failed === 0 ? "none" : failed} failed${median === null ? "" : `, median ${duration(median)}`}`;
}

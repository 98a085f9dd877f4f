import { useState } from "react";
import type { Run } from "../../api";
import { absolute, between, duration, lookOf } from "../../kit";

const WIDTH = 720;
const HEIGHT = 140;
const GAP = 2;

type Bar = { run: Run; tone: string; waited: number; worked: number };

/** Waiting (grey) and working time of the newest runs, the oldest at the left, with the median of those that completed. */
export function RunChart({ runs, open }: { runs: Run[]; open: (run: Run) => void }) {
  const [hovered, setHovered] = useState<Bar | null>(null);
  const bars = runs.map(barOf).reverse();
  if (bars.length === 0) return null;
  const most = Math.max(...bars.map(({ waited, worked }) => waited + worked), 0.001);
  const median = medianOf(bars);
  const failed = bars.filter(({ tone }) => tone === "bad").length;
  const label = `Waiting and working time of ${bars.length} runs, ${failed || "none"} failed${median === null ? "" : `, median ${duration(median)}`}`;
  const upTo = `Waiting and working time, up to ${duration(most)}${median === null ? "" : `; median ${duration(median)}`}`;
  const pitch = WIDTH / Math.max(bars.length, 20);
  const high = (seconds: number) => (HEIGHT * seconds) / most;
  return (
    <figure className="run-chart">
      <figcaption>{hovered ? said(hovered) : upTo}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} onMouseLeave={() => setHovered(null)}>
        {bars.map((bar, at) => {
          const { run, tone } = bar;
          const [waited, worked, width] = [high(bar.waited), Math.max(1, high(bar.worked)), pitch - GAP];
          const mouse = { onMouseEnter: () => setHovered(bar), onClick: () => open(run) };
          return (
            <g key={run.metadata.asset_id} transform={`translate(${at * pitch} 0)`} className="bar" {...mouse}>
              <rect className="hit" width={pitch} height={HEIGHT} />
              <rect className="tone-waiting" y={HEIGHT - waited} width={width} height={waited} />
              <rect className={`tone-${tone}`} y={HEIGHT - waited - worked} width={width} height={worked} />
              {tone === "bad" && <path className="notch" d={`M0 ${HEIGHT} l${width / 2} -8 l${width / 2} 8 z`} />}
            </g>
          );
        })}
        {median !== null && <line className="median" x1="0" x2={WIDTH} y1={HEIGHT - high(median)} y2={HEIGHT - high(median)} />}
      </svg>
    </figure>
  );
}

function barOf(run: Run): Bar {
  const { state, queue_start: queued, execution_start: begun, execution_end: ended } = run.entity.job_run;
  return { run, tone: lookOf(state).tone, waited: between(queued, begun || ended) ?? 0, worked: between(begun, ended) ?? 0 };
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

import type { RunGlance } from "../api/jobs";
import { lookOf } from "./Status";
import { duration } from "./time";

const SLOTS = 14;
const PITCH = 8;
const WIDTH = 6;
const HEIGHT = 24;
const LEAST = 5;

/**
 * The newest runs, the oldest at the left: height is duration, colour is outcome, and a failed one is notched for those
 * who do not see the colour. One picture: a stop for each bar would be fourteen a row.
 */
export function RunBars({ runs }: { runs: RunGlance[] }) {
  const shown = runs.slice(0, SLOTS).reverse();
  const most = Math.max(...shown.map((run) => run.seconds ?? 0), 0.001);
  return (
    <svg className="run-bars" width={SLOTS * PITCH} height={HEIGHT} role="img" aria-label={sentence(shown)}>
      {shown.map((run, index) => (
        <Bar key={run.id} run={run} x={(SLOTS - shown.length + index) * PITCH} share={(run.seconds ?? 0) / most} />
      ))}
    </svg>
  );
}

function Bar({ run, x, share }: { run: RunGlance; x: number; share: number }) {
  const { tone, word } = lookOf(run.state);
  const height = LEAST + (HEIGHT - LEAST) * share;
  const top = HEIGHT - height;
  return (
    <g className={`tone-${tone}`}>
      <rect x={x} y={top} width={WIDTH} height={height}>
        <title>{run.seconds === null ? word : `${word}, ${duration(run.seconds)}`}</title>
      </rect>
      {tone === "bad" && <path className="notch" d={`M${x} ${HEIGHT} l${WIDTH / 2} -4 l${WIDTH / 2} 4 z`} />}
    </g>
  );
}

function sentence(shown: RunGlance[]): string {
  if (shown.length === 0) return "No runs yet";
  const failed = shown.filter((run) => run.state === "Failed").length;
  return `Last ${shown.length} ${shown.length === 1 ? "run" : "runs"}: ${failed === 0 ? "none" : failed} failed`;
}

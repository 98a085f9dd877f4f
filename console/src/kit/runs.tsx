import { preview__IconIndicator as IconIndicator } from "@carbon/react";
import type { RunState, Schemas } from "../api";
import { duration } from "./time";

type Kind = "pending" | "in-progress" | "succeeded" | "caution-minor" | "failed" | "not-started";
/** The class of its colour in charts; see styles/parts.css. */
type Tone = "waiting" | "working" | "good" | "warned" | "bad" | "ended";
type Look = [kind: Kind, word: string, tone: Tone];

/** How each state looks, everywhere: a shape, a word and a colour, never colour alone. */
const LOOKS: Record<RunState, Look> = {
  Queued: ["pending", "Queued", "waiting"],
  Starting: ["in-progress", "Starting", "working"],
  Running: ["in-progress", "Running", "working"],
  Canceling: ["in-progress", "Canceling", "working"],
  Completed: ["succeeded", "Completed", "good"],
  CompletedWithWarnings: ["caution-minor", "Completed with warnings", "warned"],
  Failed: ["failed", "Failed", "bad"],
  Canceled: ["not-started", "Canceled", "ended"],
};

export function lookOf(state: string) {
  const [kind, word, tone] = LOOKS[state as RunState] ?? ["not-started", "Unknown", "ended"];
  return { kind, word, tone };
}

export function Status({ state }: { state: string }) {
  const { kind, word } = lookOf(state);
  return <IconIndicator kind={kind} label={word} />;
}

const CELL = 10;
const CELL_PITCH = 14;
const MOST = 12;

/** A lane as a strip: a cell for each run that may work at once, filled where one does, and dots for those that wait. */
export function QueueStrip({ running, max_running: limit, queued }: { running: number; max_running: number; queued: number }) {
  const cells = Math.min(Math.max(limit, running), MOST);
  const dots = Math.min(queued, MOST);
  const said = `${running} of ${limit} running, ${queued} waiting`;
  return (
    <span className="queue-strip">
      <svg width={(cells + dots) * CELL_PITCH + 4} height={CELL + 2} role="img" aria-label={said}>
        {Array.from({ length: cells }, (_, at) => (
          <rect key={at} className={at < running ? "tone-working" : "cell-free"} x={at * CELL_PITCH + 1} y={1} width={CELL} height={CELL} />
        ))}
        {Array.from({ length: dots }, (_, at) => (
          <circle key={at} className="tone-waiting" cx={(cells + at) * CELL_PITCH + 8} cy={CELL / 2 + 1} r={3} />
        ))}
      </svg>
      <small>{said}</small>
    </span>
  );
}

type RunGlance = Schemas["RunGlance"];

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

import { preview__IconIndicator as IconIndicator } from "@carbon/react";
import type { RunState } from "../api/jobs";

interface Look {
  kind: "pending" | "in-progress" | "succeeded" | "caution-minor" | "failed" | "not-started";
  word: string;
  /** The class of its colour in charts; see styles/status.css. */
  tone: "waiting" | "working" | "good" | "warned" | "bad" | "ended";
}

/** How each state looks, everywhere: a shape, a word and a colour, never colour alone. */
const LOOKS: Record<RunState, Look> = {
  Queued: { kind: "pending", word: "Queued", tone: "waiting" },
  Starting: { kind: "in-progress", word: "Starting", tone: "working" },
  Running: { kind: "in-progress", word: "Running", tone: "working" },
  Canceling: { kind: "in-progress", word: "Canceling", tone: "working" },
  Completed: { kind: "succeeded", word: "Completed", tone: "good" },
  CompletedWithWarnings: { kind: "caution-minor", word: "Completed with warnings", tone: "warned" },
  Failed: { kind: "failed", word: "Failed", tone: "bad" },
  Canceled: { kind: "not-started", word: "Canceled", tone: "ended" },
};

const UNKNOWN: Look = { kind: "not-started", word: "Unknown", tone: "ended" };

export const lookOf = (state: string): Look => LOOKS[state as RunState] ?? UNKNOWN;

export function Status({ state }: { state: string }) {
  const { kind, word } = lookOf(state);
  return <IconIndicator kind={kind} label={word} />;
}

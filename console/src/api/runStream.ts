import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { url } from "./client";
import { type RunRef, runKey, runPath } from "./runs";

const TAIL = 5_000;

interface LogEvent {
  first: number;
  lines: string[];
}

/** What takes the lines of the stream: `first` is the number of the first one. */
export type TakeLines = (first: number, lines: string[]) => void;

/**
 * Follows a run by one stream: the run goes into its query, lines to `take`. Closed while the window is hidden, and
 * opened again behind the last line that came; another `turn` begins anew at the end of the log.
 */
export function useRunStream(ref: RunRef, take: TakeLines, turn: number): void {
  const client = useQueryClient();
  const { job, run } = ref;
  useEffect(() => follow({ job, run }, take, (told) => client.setQueryData(runKey({ job, run }), told), turn), [client, job, run, take, turn]);
}

function follow(ref: RunRef, take: TakeLines, tell: (run: unknown) => void, _turn: number): () => void {
  let source: EventSource | null = null;
  let after: string | null = null;
  let ended = false;
  const close = () => {
    source?.close();
    source = null;
  };
  const open = () => {
    if (source || ended || document.hidden) return;
    source = new EventSource(url(`${runPath(ref)}/stream`, { tail: TAIL, after }));
    source.addEventListener("log", (event) => {
      const { first, lines } = JSON.parse(event.data) as LogEvent;
      after = event.lastEventId;
      take(first, lines);
    });
    source.addEventListener("run", (event) => tell(JSON.parse(event.data)));
    source.addEventListener("end", () => {
      ended = true;
      close();
    });
  };
  const look = () => (document.hidden ? close() : open());
  document.addEventListener("visibilitychange", look);
  open();
  return () => {
    document.removeEventListener("visibilitychange", look);
    close();
  };
}

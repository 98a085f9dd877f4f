import { memo, type UIEvent, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { logLines, type RunRef } from "../../api";
import { type Chunk, goToLine, type LogStore, useLine } from "./logStore";

const AROUND = 200;
const AT_ONCE = 1_000;
const AT_END_PX = 40;

type LogViewProps = { of: RunRef; store: LogStore; follow: boolean; setFollow: (follow: boolean) => void };

/** The lines themselves, in chunks that the browser leaves alone while they are out of sight. */
export function LogView({ of, store, follow, setFollow }: LogViewProps) {
  const chunks = useSyncExternalStore(store.subscribe, store.snapshot);
  const box = useRef<HTMLDivElement>(null);
  const top = useRef(0);
  const line = useLine();
  useLineInSight(of, store, line, chunks, () => setFollow(false));
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [follow, chunks]);
  const scrolled = (event: UIEvent<HTMLDivElement>) => {
    const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
    // At the end first: what was estimated to be taller than it is moves up as it is drawn, and nobody scrolled.
    if (scrollTop + clientHeight >= scrollHeight - AT_END_PX) setFollow(store.attached && line === null ? true : follow);
    else if (scrollTop < top.current - 1) setFollow(false);
    top.current = scrollTop;
  };
  if (chunks.length === 0) return <p className="log-empty">Nothing has been printed yet.</p>;
  return (
    <div ref={box} className="log" role="log" aria-live="off" aria-label="Log lines" tabIndex={0} onScroll={scrolled}>
      {chunks.map((chunk) => {
        const marked = line !== null && line >= chunk.first && line < chunk.first + chunk.lines.length;
        return <Lines key={chunk.first} chunk={chunk} marked={marked ? line : null} />;
      })}
    </div>
  );
}

const Lines = memo(function Lines({ chunk, marked }: { chunk: Chunk; marked: number | null }) {
  return (
    <div className="log-chunk">
      {chunk.lines.map((text, index) => {
        const number = chunk.first + index;
        return (
          <div key={number} id={`L${number}`} className={number === marked ? "log-line marked" : "log-line"}>
            {/* Not a link: a thousand stops for the keyboard. "Go to line" is for that. */}
            <span className="log-number" aria-hidden="true" onClick={() => goToLine(number)}>{number}</span>
            <span className="log-text">{text}</span>
          </div>
        );
      })}
    </div>
  );
});

/** Brings the address's line into sight, once for each time that it is asked for; fetches what is around it if need be. */
function useLineInSight(of: RunRef, store: LogStore, line: number | null, chunks: Chunk[], found: () => void): void {
  const [asked, setAsked] = useState(0);
  const done = useRef<string>("");
  useEffect(() => {
    const again = () => setAsked((number) => number + 1);
    window.addEventListener("hashchange", again);
    return () => window.removeEventListener("hashchange", again);
  }, []);
  useEffect(() => {
    const wanted = `${line} ${asked}`;
    if (line === null || chunks.length === 0 || done.current === wanted) return;
    if (store.has(line)) {
      done.current = wanted;
      found();
      document.getElementById(`L${line}`)?.scrollIntoView({ block: "center" });
    } else if (line <= store.newest) {
      void around(of, store, line);
    }
  });
}

async function around(of: RunRef, store: LogStore, line: number): Promise<void> {
  const first = Math.max(1, line - AROUND);
  const { results } = await logLines(of, { first, limit: AT_ONCE });
  if (results.length > 0) store.show(first, results.map(({ text }) => text));
}

import { Button, Checkbox, Search } from "@carbon/react";
import { ChevronDown, ChevronUp } from "@carbon/icons-react";
import { type FormEvent, useState, useSyncExternalStore } from "react";
import { findInLog, logLines, type RunRef, runPath } from "../../api/runs";
import { DownloadLink } from "../../kit/DownloadLink";
import { LogView } from "./LogView";
import type { LogStore } from "./logStore";
import { counted } from "./sentence";
import { goToLine, useLine } from "./useLine";

const EARLIER = 1_000;

interface RunLogProps {
  of: RunRef;
  store: LogStore;
  trouble: number | null;
  /** Opens the stream anew at the log's end. */
  toEnd: () => void;
}

/** The run's log as it is written; whoever scrolls up is left in peace. */
export function RunLog({ of, store, trouble, toEnd }: RunLogProps) {
  const line = useLine();
  const [follow, setFollow] = useState(line === null);
  useSyncExternalStore(store.subscribe, store.snapshot);
  const end = () => {
    if (!store.attached) toEnd();
    setFollow(true);
  };
  return (
    <section className="panel" aria-labelledby="log-heading">
      <div className="panel-head">
        <h2 id="log-heading">Log</h2>
        <span className="muted">{counted(store.newest, "line")}</span>
        <Checkbox id="follow" labelText="Follow" checked={follow} onChange={(_, { checked }) => (checked ? end() : setFollow(false))} />
        {trouble !== null && (
          <Button size="sm" kind="ghost" onClick={() => goToLine(trouble)}>
            First error
          </Button>
        )}
        <DownloadLink href={`${runPath(of)}/log`} name={`${of.run}.log`}>
          Download
        </DownloadLink>
        <FindInLog of={of} />
      </div>
      {store.first > 1 && <Earlier of={of} store={store} />}
      <LogView of={of} store={store} follow={follow} setFollow={setFollow} />
      {!store.attached && (
        <Button size="sm" kind="ghost" onClick={end}>
          To the end of the log
        </Button>
      )}
    </section>
  );
}

function Earlier({ of, store }: { of: RunRef; store: LogStore }) {
  const load = async () => {
    const first = Math.max(1, store.first - EARLIER);
    const { results } = await logLines(of, first, store.first - first);
    store.prepend(first, results.map(({ text }) => text));
  };
  return (
    <Button size="sm" kind="ghost" onClick={() => void load()}>
      {`Earlier lines (${(store.first - 1).toLocaleString("en")})`}
    </Button>
  );
}

/** Finds a text in the whole log, also where that is not on the page; Enter goes on to the next line. */
function FindInLog({ of }: { of: RunRef }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<{ text: string; lines: number[]; matches: number } | null>(null);
  const [at, setAt] = useState(0);
  const go = (lines: number[], to: number) => {
    const index = (to + lines.length) % lines.length;
    setAt(index);
    const line = lines[index];
    if (line !== undefined) goToLine(line);
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!text) return;
    if (found?.text === text && found.lines.length > 0) return go(found.lines, at + 1);
    const { results, match_count: matches } = await findInLog(of, text);
    const lines = results.map(({ number }) => number);
    setFound({ text, lines, matches });
    if (lines.length > 0) go(lines, 0);
  };
  return (
    <form className="log-find" onSubmit={(event) => void submit(event)}>
      <Search size="sm" labelText="Find in the log" placeholder="Find in the log" value={text} onChange={(event) => setText(event.target.value)} />
      <span role="status">{found && (found.lines.length > 0 ? `${at + 1} of ${found.matches.toLocaleString("en")}` : "Not found")}</span>
      {found && found.lines.length > 0 && (
        <>
          <Button size="sm" kind="ghost" hasIconOnly iconDescription="Previous line" renderIcon={ChevronUp} onClick={() => go(found.lines, at - 1)} />
          <Button size="sm" kind="ghost" hasIconOnly iconDescription="Next line" renderIcon={ChevronDown} onClick={() => go(found.lines, at + 1)} />
        </>
      )}
    </form>
  );
}

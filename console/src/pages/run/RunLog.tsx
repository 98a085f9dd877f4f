import { Button, Checkbox, Search } from "@carbon/react";
import { ChevronDown, ChevronUp } from "@carbon/icons-react";
import { type FormEvent, useState, useSyncExternalStore } from "react";
import { logLines, runPath, type RunRef } from "../../api";
import { count, counted, DownloadLink, Section, SmallButton } from "../../kit";
import { LogView } from "./LogView";
import { goToLine, type LogStore, useLine } from "./logStore";

const EARLIER = 1_000;

interface RunLogProps {
  of: RunRef;
  store: LogStore;
  firstError: number | null;
  /** Opens the stream anew at the log's end. */
  toEnd: () => void;
}

/** The run's log as it is written; whoever scrolls up is left in peace. */
export function RunLog({ of, store, firstError, toEnd }: RunLogProps) {
  const [follow, setFollow] = useState(useLine() === null);
  useSyncExternalStore(store.subscribe, store.snapshot);
  const end = () => {
    if (!store.attached) toEnd();
    setFollow(true);
  };
  const earlier = async () => {
    const first = Math.max(1, store.first - EARLIER);
    const { results } = await logLines(of, { first, limit: store.first - first });
    store.prepend(first, results.map(({ text }) => text));
  };
  const actions = (
    <>
      <span className="muted">{counted(store.newest, "line")}</span>
      <Checkbox id="follow" labelText="Follow" checked={follow} onChange={(_, { checked }) => (checked ? end() : setFollow(false))} />
      {firstError !== null && <SmallButton onClick={() => goToLine(firstError)}>First error</SmallButton>}
      <DownloadLink href={`${runPath(of)}/log`} name={`${of.run_id}.log`}>Download</DownloadLink>
      <FindInLog of={of} />
    </>
  );
  return (
    <Section title="Log" actions={actions}>
      {store.first > 1 && <SmallButton onClick={() => void earlier()}>{`Earlier lines (${count(store.first - 1)})`}</SmallButton>}
      <LogView of={of} store={store} follow={follow} setFollow={setFollow} />
      {!store.attached && <SmallButton onClick={end}>To the end of the log</SmallButton>}
    </Section>
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
    const { results, match_count: matches } = await logLines(of, { contains: text, limit: 1000 });
    const lines = results.map(({ number }) => number);
    setFound({ text, lines, matches });
    if (lines.length > 0) go(lines, 0);
  };
  const some = found !== null && found.lines.length > 0;
  const step = { size: "sm", kind: "ghost", hasIconOnly: true } as const;
  return (
    <form className="log-find" onSubmit={(event) => void submit(event)}>
      <Search size="sm" labelText="Find in the log" placeholder="Find in the log" value={text} onChange={({ target }) => setText(target.value)} />
      <span role="status">{some ? `${at + 1} of ${count(found.matches)}` : found && "Not found"}</span>
      {some && (
        <>
          <Button {...step} iconDescription="Previous line" renderIcon={ChevronUp} onClick={() => go(found.lines, at - 1)} />
          <Button {...step} iconDescription="Next line" renderIcon={ChevronDown} onClick={() => go(found.lines, at + 1)} />
        </>
      )}
    </form>
  );
}

import { Tag } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { scheduleQuery } from "../../api/jobOptions";
import { plan } from "./body";
import type { Draft } from "./draft";

const PAUSE_MS = 400;
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** What the schedule comes to: in words, and its next ticks in its own zone and in the reader's. */
export function NextTicks({ draft }: { draft: Draft }) {
  const asked = useSettled(JSON.stringify(plan(draft)));
  const ready = draft.repetition !== "once" || Boolean(draft.start);
  const { data, error } = useQuery({ ...scheduleQuery(JSON.parse(asked)), enabled: ready, retry: false });
  const told = error || !ready ? null : data;
  return (
    <section className="ticks" aria-label="Next runs">
      <h3>{told ? `${told.words} (${told.zone})` : "Next runs"}</h3>
      {error && <p className="muted">{error.message}</p>}
      <ol>
        {told?.results.map(({ at, note }) => (
          <li key={at}>
            {moment(at, told.zone)} {note && <Tag size="sm" type="purple">Clock change</Tag>}
            {told.zone !== HERE && <small>{`${moment(at, HERE)} here`}</small>}
            {note && <small>{note}.</small>}
          </li>
        ))}
      </ol>
    </section>
  );
}

const moment = (at: string, zone: string) =>
  new Intl.DateTimeFormat("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: zone,
    timeZoneName: "short",
  }).format(Date.parse(at));

/** A value a moment after its last change. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

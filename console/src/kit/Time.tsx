import { useNow } from "../api/clock";
import { absolute, relativeTo } from "./time";

interface TimeProps {
  at: string;
  /** The zone of a schedule; the reader's where none is given. */
  zone?: string;
  /** Both forms in the open, where there is room. */
  full?: boolean;
}

/** A moment: how long until or since then, and on hover when exactly, with the zone. */
export function Time({ at, zone, full = false }: TimeProps) {
  const then = Date.parse(at);
  const exact = absolute(then, zone);
  const about = relativeTo(useNow(), then);
  return (
    <time dateTime={at} title={exact}>
      {full ? `${about} (${exact})` : about}
    </time>
  );
}

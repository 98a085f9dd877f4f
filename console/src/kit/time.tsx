import { useEffect, useState } from "react";
import { serverNow, useNow } from "../api";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Up to how many seconds a unit is used, and how many it has. */
const UNITS: [upTo: number, unit: Intl.RelativeTimeFormatUnit, size: number][] = [
  [90, "second", 1], [90 * MINUTE, "minute", MINUTE], [36 * HOUR, "hour", HOUR], [Number.POSITIVE_INFINITY, "day", DAY],
];

/** "5 minutes ago", "in 2 hours": the largest unit of which there are enough to be exact about. */
function relativeTo(now: number, then: number): string {
  const seconds = (then - now) / 1000;
  const [, unit, size] = UNITS.find(([upTo]) => Math.abs(seconds) < upTo)!;
  return Math.abs(seconds) < 10 ? "now" : relative.format(Math.round(seconds / size), unit);
}

const EXACT = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;

/** "28 Nov 2026, 20:15:03 GMT+1": in the zone that is given, or in the reader's. */
export const absolute = (then: number, timeZone?: string) =>
  new Intl.DateTimeFormat("en-GB", { ...EXACT, timeZoneName: "short", ...(timeZone ? { timeZone } : {}) }).format(then);

/** "0.4 s", "6 min 35 s", "2 h 5 min". */
export function duration(seconds: number): string {
  if (seconds < MINUTE) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${whole % MINUTE} s`;
  return `${Math.floor(whole / HOUR)} h ${Math.round((whole % HOUR) / MINUTE)} min`;
}

/** From one moment to another in seconds, both in milliseconds; null where one has not come. */
export const between = (from: number | null, to: number | null) => (from && to ? Math.max(0, to - from) / 1000 : null);

/** A moment: how long until or since then, and on hover when exactly, with the zone (of a schedule, or the reader's); or both in `full`. */
export function Time({ at, zone, full = false }: { at: string; zone?: string | undefined; full?: boolean }) {
  const then = Date.parse(at);
  const exact = absolute(then, zone);
  const about = relativeTo(useNow(), then);
  return <time dateTime={at} title={exact}>{full ? `${about} (${exact})` : about}</time>;
}

/** The server's time in milliseconds, drawn again every second while that matters. */
export function useLiveNow(live: boolean): number {
  const [, draw] = useState(0);
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => draw((drawn) => drawn + 1), 1_000);
    return () => clearInterval(timer);
  }, [live]);
  return serverNow();
}

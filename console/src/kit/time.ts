const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "5 minutes ago", "in 2 hours": the largest unit of which there are enough to be exact about. */
export function relativeTo(now: number, then: number): string {
  const seconds = (then - now) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) return "now";
  if (size < 90) return relative.format(Math.round(seconds), "second");
  if (size < 90 * MINUTE) return relative.format(Math.round(seconds / MINUTE), "minute");
  if (size < 36 * HOUR) return relative.format(Math.round(seconds / HOUR), "hour");
  return relative.format(Math.round(seconds / DAY), "day");
}

/** "28 Nov 2026, 20:15:03 GMT+1": in the zone that is given, or in the reader's. */
export function absolute(then: number, zone?: string): string {
  return new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
    ...(zone ? { timeZone: zone } : {}),
  }).format(then);
}

/** "0.4 s", "6 min 35 s", "2 h 5 min". */
export function duration(seconds: number): string {
  if (seconds < MINUTE) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${whole % MINUTE} s`;
  return `${Math.floor(whole / HOUR)} h ${Math.round((whole % HOUR) / MINUTE)} min`;
}

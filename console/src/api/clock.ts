import { useSyncExternalStore } from "react";

const TICK_MS = 10_000;
/** Servers tell whole seconds, so smaller differences are no news. */
const LEAST_DRIFT_MS = 2_000;

let drift = 0;
let tick = Date.now();

/** Takes the server's time from an answer: what is "late" or "in 5 min" is so by its clock, not by this machine's. */
export function heard(date: string | null): void {
  const said = date ? Date.parse(date) : Number.NaN;
  if (Math.abs(said - Date.now() - drift) > LEAST_DRIFT_MS) drift = said - Date.now();
}

function subscribe(changed: () => void): () => void {
  // While no time was on the page, nobody looked at the clock.
  if (Date.now() - tick > TICK_MS) tick = Date.now();
  const timer = setInterval(() => {
    tick = Date.now();
    changed();
  }, TICK_MS);
  return () => clearInterval(timer);
}

/** The server's time in milliseconds, now. */
export const serverNow = (): number => Date.now() + drift;

/** The server's time in milliseconds; components that use it are drawn again every ten seconds. */
export function useNow(): number {
  return Math.max(useSyncExternalStore(subscribe, () => tick), tick) + drift;
}

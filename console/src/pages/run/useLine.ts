import { useSyncExternalStore } from "react";

function subscribe(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

/** The line that the address is about, `#L1234`; null where it is about none. */
export function useLine(): number | null {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  const found = /^#L(\d+)$/.exec(hash);
  return found ? Number(found[1]) : null;
}

/** Makes the address be about a line, again if it is already. */
export function goToLine(line: number): void {
  // Not by the location: that takes the focus away from where somebody types.
  window.history.replaceState(window.history.state, "", `#L${line}`);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

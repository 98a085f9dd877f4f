import { useSyncExternalStore } from "react";

const CHUNK_LINES = 200;
const MOST_CHUNKS = 100;

export type Chunk = { first: number; lines: string[] };

/** The part of a log that is on the page, in chunks that never change once they are full, so that few are drawn anew. */
export class LogStore {
  chunks: Chunk[] = [];
  /** Whether what is shown is the end of the log, where new lines come. */
  attached = true;
  /** The number of the last line that the server has told of. */
  newest = 0;
  private listeners = new Set<() => void>();

  subscribe = (changed: () => void): (() => void) => {
    this.listeners.add(changed);
    return () => this.listeners.delete(changed);
  };
  snapshot = (): Chunk[] => this.chunks;

  get first(): number {
    return this.chunks[0]?.first ?? 1;
  }
  get last(): number {
    const end = this.chunks.at(-1);
    return end ? end.first + end.lines.length - 1 : 0;
  }
  has = (line: number): boolean => this.chunks.length > 0 && line >= this.first && line <= this.last;

  /** Takes new lines; those of another attempt, or behind a gap, take the place of what was. */
  append = (first: number, lines: string[]): void => {
    this.newest = first + lines.length - 1;
    if (!this.attached) return;
    const fits = this.chunks.length > 0 && first === this.last + 1;
    this.put(cut(fits ? this.chunks : [], first, lines).slice(-MOST_CHUNKS));
  };

  /** Shows another part of the log, which may not be its end. */
  show = (first: number, lines: string[]): void => {
    this.attached = lines.length > 0 && first + lines.length - 1 >= this.newest;
    this.put(cut([], first, lines));
  };

  prepend = (first: number, lines: string[]): void => this.put([...cut([], first, lines), ...this.chunks]);

  clear = (): void => {
    this.attached = true;
    this.put([]);
  };

  private put(chunks: Chunk[]): void {
    this.chunks = chunks;
    for (const changed of this.listeners) changed();
  }
}

function cut(before: Chunk[], first: number, lines: string[]): Chunk[] {
  const chunks = [...before];
  let at = 0;
  const end = chunks.at(-1);
  if (end && end.lines.length < CHUNK_LINES) {
    at = CHUNK_LINES - end.lines.length;
    chunks[chunks.length - 1] = { first: end.first, lines: [...end.lines, ...lines.slice(0, at)] };
  }
  for (; at < lines.length; at += CHUNK_LINES) chunks.push({ first: first + at, lines: lines.slice(at, at + CHUNK_LINES) });
  return chunks;
}

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

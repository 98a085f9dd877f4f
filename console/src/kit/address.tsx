import { Search } from "@carbon/react";
import { useEffect, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { count } from "./text";

const PAUSE_MS = 250;

type Changes = Record<string, string | null>;

/** A query with some of it changed, null taking away. */
function changed(search: URLSearchParams, changes: Changes): URLSearchParams {
  const next = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return next;
}

/** Gives this page's address with some of its query changed; another filter begins at the first page. */
export function useAddress(): (changes: Changes) => string {
  const [path] = useLocation();
  const [search] = useSearchParams();
  return (changes) => {
    const next = changed(search, { start: null, ...changes });
    return next.size > 0 ? `${path}?${next}` : path;
  };
}

/** A member of the query, and what changes it in place, by default as a filter does. */
export function useParam(name: string, others: Changes = { start: null }): [string | null, (value: string | null) => void] {
  const [search, setSearch] = useSearchParams();
  return [search.get(name), (value) => setSearch((before) => changed(before, { ...others, [name]: value }), { replace: true })];
}

/** Members of the query as they are asked of the API. */
export function useParams<N extends string>(...names: N[]): Record<N, string | null> {
  const [search] = useSearchParams();
  return Object.fromEntries(names.map((name) => [name, search.get(name)])) as Record<N, string | null>;
}

/** A value a moment after its last change; values are the same where their JSON is. */
export function useSettled<T>(value: T, pauseMs = 400): T {
  const [settled, setSettled] = useState(value);
  const text = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(JSON.parse(text) as T), pauseMs);
    return () => clearTimeout(timer);
  }, [text, pauseMs]);
  return settled;
}

/** A search field whose text is in the address, a moment after the last key. */
export function UrlSearch({ name, label }: { name: string; label: string }) {
  const [value, setValue] = useParam(name);
  const [text, setText] = useState(value ?? "");
  const settled = useSettled(text, PAUSE_MS);
  useEffect(() => {
    if (settled !== (value ?? "")) setValue(settled);
  }, [settled]);
  return <Search size="lg" labelText={label} placeholder={label} value={text} onChange={({ target }) => setText(target.value)} />;
}

/** A filter; without a number where nobody has counted. */
export type Chip = [value: string | null, label: string, count?: number | undefined];

/** Counts that are filters: each is a link, so that a filtered list can be sent to somebody. */
export function FilterChips({ chips, name = "filter", label = "Filters" }: { chips: Chip[]; name?: string; label?: string }) {
  const chosen = useParams(name)[name] ?? null;
  const address = useAddress();
  return (
    <nav className="chips" aria-label={label}>
      {chips.map(([value, text, number]) => (
        <Link key={text} href={address({ [name]: value })} aria-current={chosen === value ? "true" : undefined}>
          {text} {number !== undefined && <span className="count">{count(number)}</span>}
        </Link>
      ))}
    </nav>
  );
}

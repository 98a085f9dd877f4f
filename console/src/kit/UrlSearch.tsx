import { Search } from "@carbon/react";
import { useEffect, useState } from "react";
import { useSearchParams } from "wouter";

const PAUSE_MS = 250;

/** A search field whose text is in the address, a moment after the last key. */
export function UrlSearch({ name, label }: { name: string; label: string }) {
  const [search, setSearch] = useSearchParams();
  const [text, setText] = useState(search.get(name) ?? "");
  useEffect(() => {
    const timer = setTimeout(() => {
      setSearch(
        (before) => {
          if ((before.get(name) ?? "") === text) return before;
          const next = new URLSearchParams(before);
          next.delete("start");
          if (text) next.set(name, text);
          else next.delete(name);
          return next;
        },
        { replace: true },
      );
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [name, text, setSearch]);
  return <Search size="lg" labelText={label} placeholder={label} value={text} onChange={(event) => setText(event.target.value)} />;
}

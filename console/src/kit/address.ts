import { useLocation, useSearchParams } from "wouter";

/** Gives this page's address with some of its query changed, null taking away; another filter begins at the first page. */
export function useAddress(): (changes: Record<string, string | null>) => string {
  const [path] = useLocation();
  const [search] = useSearchParams();
  return (changes) => {
    const next = new URLSearchParams(search);
    for (const [name, value] of Object.entries({ start: null, ...changes })) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const query = next.toString();
    return query ? `${path}?${query}` : path;
  };
}

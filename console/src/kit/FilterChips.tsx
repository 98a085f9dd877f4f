import { Link, useSearchParams } from "wouter";
import { useAddress } from "./address";

export interface Chip {
  value: string | null;
  label: string;
  /** Left out where nobody has counted. */
  count?: number;
}

/** Counts that are filters: each is a link, so that a filtered list can be sent to somebody. */
export function FilterChips({ chips, name = "filter" }: { chips: Chip[]; name?: string }) {
  const [search] = useSearchParams();
  const chosen = search.get(name);
  const address = useAddress();
  return (
    <nav className="chips" aria-label="Filters">
      {chips.map(({ value, label, count }) => (
        <Link key={label} href={address({ [name]: value })} aria-current={chosen === value ? "true" : undefined}>
          {label} {count !== undefined && <span className="count">{count.toLocaleString("en")}</span>}
        </Link>
      ))}
    </nav>
  );
}

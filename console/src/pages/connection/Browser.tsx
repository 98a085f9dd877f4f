import { Button, SkeletonText } from "@carbon/react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { browseQuery, type Entry } from "../../api/connections";
import { storeConnected } from "../../api/uploads";
import { useAddress } from "../../kit/address";
import { bytes } from "../../kit/bytes";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { Problem } from "../../kit/Problem";
import { Section } from "../../kit/Section";
import { useLeave } from "../../kit/spacePage";
import { Time } from "../../kit/Time";
import { paths } from "../../paths";

const DATA = ["table", "view", "file"];

/** What is behind a connection: schemas and tables, buckets, folders and files. Where one looks is in the address. */
export function Browser({ space, id }: { space: string; id: string }) {
  const [search] = useSearchParams();
  const address = useAddress();
  const path = search.get("path") ?? "/";
  const offset = Number(search.get("offset") ?? 0);
  const { data, error } = useQuery(browseQuery(space, id, path, offset));
  const leave = useLeave("assets", space);
  const add = useMutation({
    mutationFn: ({ name, path }: Entry) => storeConnected(space, { name, connection: id, path }),
    onSuccess: (asset) => leave(paths.asset(space, asset)),
  });
  const into = (entry: Entry) => address({ path: entry.path, offset: null });
  const next = data?.next ? new URL(data.next.href, location.href).searchParams.get("offset") : null;
  return (
    <Section title="What is behind it">
      <nav className="crumb-path" aria-label="Path">
        {steps(path).map(([name, to]) => (
          <Link key={to} href={address({ path: to === "/" ? null : to, offset: null })} aria-current={to === path ? "page" : undefined}>
            {name}
          </Link>
        ))}
      </nav>
      <Problem error={error} title="It cannot be looked at" />
      <Problem error={add.error} title="The data asset was not made" />
      {!data && !error && <SkeletonText paragraph lineCount={4} />}
      {data?.assets.length === 0 && <p className="muted">Nothing is here.</p>}
      {data && data.assets.length > 0 && (
        <CursorTable label="What is behind it" columns={columns(into, add.mutate, add.isPending)} rows={data.assets} rowKey={(entry) => entry.path} next={null} />
      )}
      {next && <Link href={address({ offset: next })}>Next page</Link>}
    </Section>
  );
}

const columns = (into: (entry: Entry) => string, add: (entry: Entry) => void, busy: boolean): Column<Entry>[] => [
  { header: "Name", cell: (entry) => (DATA.includes(entry.type) ? entry.name : <Link href={into(entry)}>{entry.name}</Link>) },
  { header: "Kind", cell: ({ type }) => type },
  { header: "Size", numeric: true, cell: ({ details: { size, rows } }) => (size !== undefined ? bytes(size) : rows !== undefined ? `${rows.toLocaleString("en")} rows` : "") },
  { header: "Changed", cell: ({ details: { modified } }) => (modified ? <Time at={modified} /> : "") },
  {
    header: "Actions",
    cell: (entry) =>
      DATA.includes(entry.type) && (
        <Button kind="ghost" size="sm" disabled={busy} onClick={() => add(entry)} aria-label={`Add as data asset: ${entry.name}`}>
          Add as data asset
        </Button>
      ),
  },
];

/** The way from the top: "/", "/main", "/main/patients". */
function steps(path: string): [name: string, path: string][] {
  const parts = path.split("/").filter(Boolean);
  return [["All", "/"], ...parts.map((part, index): [string, string] => [decodeURIComponent(part), `/${parts.slice(0, index + 1).join("/")}`])];
}

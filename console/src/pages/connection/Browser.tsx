import { SkeletonText } from "@carbon/react";
import { Link, useLocation } from "wouter";
import { type Entry, storeConnected, useChange, useRead } from "../../api";
import { bytes, type Column, counted, CursorTable, Problem, Section, SmallButton, Time, useAddress, useParams } from "../../kit";
import { paths } from "../../paths";

const DATA = ["table", "view", "file"];

/** What is behind a connection: schemas and tables, buckets, folders and files. Where one looks is in the address. */
export function Browser({ space, id }: { space: string; id: string }) {
  const [, go] = useLocation();
  const address = useAddress();
  const { path, offset } = useParams("path", "offset");
  const asked = { connection_id: id, space_id: space, path: path ?? "/", offset: offset ?? 0 };
  const { data, error } = useRead("/v2/connections/{connection_id}/assets", asked, { retry: false });
  const add = useChange(
    ({ name, path }: Entry) => storeConnected(space, name, { connection_id: id, connection_path: path }),
    "/v2/asset_summaries",
    (asset) => go(paths.asset(space, asset)),
  );
  const into = (to: string) => address({ path: to === "/" ? null : to, offset: null });
  const next = data?.next ? new URL(data.next.href, location.href).searchParams.get("offset") : null;
  return (
    <Section title="What is behind it">
      <nav className="crumb-path" aria-label="Path">
        {steps(asked.path).map(([name, to]) => (
          <Link key={to} href={into(to)} aria-current={to === asked.path ? "page" : undefined}>{name}</Link>
        ))}
      </nav>
      <Problem error={error} title="It cannot be looked at" />
      <Problem error={add.error} title="The data asset was not made" />
      {!data && !error && <SkeletonText paragraph lineCount={4} />}
      {data?.assets.length === 0 && <p className="muted">Nothing is here.</p>}
      {data && data.assets.length > 0 && (
        <CursorTable label="What is behind it" columns={columns(into, add.mutate, add.isPending)} rows={data.assets} rowKey={(entry) => entry.path} />
      )}
      {next && <Link href={address({ offset: next })}>Next page</Link>}
    </Section>
  );
}

const columns = (into: (path: string) => string, add: (entry: Entry) => void, busy: boolean): Column<Entry>[] => [
  { header: "Name", cell: ({ name, type, path }) => (DATA.includes(type) ? name : <Link href={into(path)}>{name}</Link>) },
  { header: "Kind", cell: ({ type }) => type },
  {
    header: "Size",
    numeric: true,
    cell: ({ details: { size, rows } }) => (size !== undefined ? bytes(size) : rows !== undefined ? counted(rows, "row") : ""),
  },
  { header: "Changed", cell: ({ details: { modified } }) => (modified ? <Time at={modified} /> : "") },
  {
    header: "Actions",
    cell: (entry) =>
      DATA.includes(entry.type) && <SmallButton about={entry.name} disabled={busy} onClick={() => add(entry)}>Add as data asset</SmallButton>,
  },
];

/** The way from the top: "/", "/main", "/main/patients". */
function steps(path: string): [name: string, path: string][] {
  const parts = path.split("/").filter(Boolean);
  return [["All", "/"], ...parts.map((part, at): [string, string] => [decodeURIComponent(part), `/${parts.slice(0, at + 1).join("/")}`])];
}

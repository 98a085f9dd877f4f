import { TextInput } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "wouter";
import { type AuditLine, auditQuery } from "../../api/administration";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { Empty } from "../../kit/Empty";
import { Problem } from "../../kit/Problem";
import { Time } from "../../kit/Time";
import { UrlSearch } from "../../kit/UrlSearch";

/** Who did what, the newest first; user, action and times are in the address. */
export function Audit() {
  const [search, setSearch] = useSearchParams();
  const asked = Object.fromEntries(["user", "action", "start"].map((name) => [name, search.get(name)]));
  const day = (name: string) => (search.get(name) ? new Date(`${search.get(name)}T00:00`).toISOString() : null);
  const { data, error } = useQuery(auditQuery({ ...asked, since: day("since"), until: day("until"), limit: 50 }));
  const setDay = (name: string, value: string) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      next.delete("start");
      if (value) next.set(name, value);
      else next.delete(name);
      return next;
    });
  return (
    <>
      <div className="inline-form">
        <UrlSearch name="user" label="User name" />
        <UrlSearch name="action" label="Action, such as user or run.start" />
        {(["since", "until"] as const).map((name) => (
          <TextInput
            key={name}
            id={name}
            type="date"
            labelText={name === "since" ? "Since" : "Until before"}
            value={search.get(name) ?? ""}
            onChange={(event) => setDay(name, event.target.value)}
          />
        ))}
      </div>
      <Problem error={error} />
      {data?.results.length === 0 && <Empty title="Nothing like that was done" />}
      {data && data.results.length > 0 && (
        <CursorTable label="Audit log" columns={COLUMNS} rows={data.results} rowKey={(line) => line.id} next={data.next} />
      )}
    </>
  );
}

const COLUMNS: Column<AuditLine>[] = [
  { header: "When", cell: (line) => <Time at={line.at} /> },
  {
    header: "Who",
    cell: (line) => (
      <>
        {line.actor_name || "Nobody known"}
        {line.address && <small>from {line.address}</small>}
      </>
    ),
  },
  {
    header: "Action",
    cell: (line) => (
      <>
        {line.action}
        {line.outcome === "refused" && <span className="bad"> refused</span>}
      </>
    ),
  },
  {
    header: "What",
    cell: (line) => (
      <>
        {line.target_name}
        {line.target_id && <small className="breaks">{line.target_id}</small>}
        {line.details.length > 0 && <small className="breaks">{line.details.join(", ")}</small>}
      </>
    ),
  },
];

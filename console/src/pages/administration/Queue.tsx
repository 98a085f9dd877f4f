import { Tag } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { type Lane, queueQuery } from "../../api/administration";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { Empty } from "../../kit/Empty";
import { Problem } from "../../kit/Problem";
import { Time } from "../../kit/Time";
import { paths } from "../../paths";

export function Queue() {
  const [search] = useSearchParams();
  const { data, error } = useQuery(queueQuery(search.get("start")));
  return (
    <>
      <Problem error={error} />
      {data?.results.length === 0 && <Empty title="Nothing waits, and nothing works" />}
      {data && data.results.length > 0 && (
        <CursorTable label="Queue" columns={COLUMNS} rows={data.results} rowKey={(lane) => lane.id} next={data.next} />
      )}
    </>
  );
}

const COLUMNS: Column<Lane>[] = [
  {
    header: "Lane",
    cell: (lane) => (
      <>
        {lane.name} {lane.paused && <Tag size="sm">Paused</Tag>}
        <small>{lane.space_name}</small>
      </>
    ),
  },
  { header: "Waiting", numeric: true, cell: (lane) => lane.queued.toLocaleString("en") },
  { header: "Oldest wait", cell: (lane) => (lane.oldest_at ? <Time at={lane.oldest_at} /> : <span className="muted">None</span>) },
  { header: "Working", numeric: true, cell: (lane) => `${lane.running} of ${lane.max_running}` },
  { header: "Held by", cell: (lane) => <Holders lane={lane} /> },
];

function Holders({ lane }: { lane: Lane }) {
  if (lane.holders.length === 0) return <span className="muted">Nobody</span>;
  return (
    <ul>
      {lane.holders.map((each) => (
        <li key={each.run_id}>
          <Link href={paths.run(lane.space_id, each.job_id, each.run_id)}>{each.run_name}</Link> on {each.host ?? "a worker that is gone"},
          since <Time at={each.since} />
        </li>
      ))}
    </ul>
  );
}

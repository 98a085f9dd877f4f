import { Tag } from "@carbon/react";
import { Link } from "wouter";
import { LISTED, type Schemas, useRead } from "../../api";
import { bytes, type Column, count, CursorTable, Empty, List, Muted, Problem, Time, useParams, words } from "../../kit";
import { paths } from "../../paths";

export function Workers() {
  const list = useRead("/v1/workers", {}, LISTED);
  const empty = <Empty title="No worker was heard of within a day">Start one with “gristmill up” or “gristmill work”.</Empty>;
  return <List label="Workers" of={list} columns={WORKERS} empty={empty} />;
}

const processors = (millicores: number) => (millicores / 1000).toLocaleString("en");
const of = (reserved: number, offered: number | null, say: (number: number) => string) =>
  `${say(reserved)} of ${offered === null ? "any" : say(offered)}`;

const WORKERS: Column<Schemas["WorkerLine"]>[] = [
  { header: "Worker", cell: ({ id, host, pid }) => <>{host}, process {pid}<small>{id}</small></> },
  { header: "Last heard of", cell: ({ seen_at: at, stale }) => <><Time at={at} /> {stale && <Tag type="red" size="sm">Silent</Tag>}</> },
  { header: "Slots", numeric: true, cell: ({ running, slots }) => of(running, slots, count) },
  { header: "Processors", numeric: true, cell: (worker) => of(worker.reserved_millicores, worker.millicores, processors) },
  { header: "Memory", numeric: true, cell: (worker) => of(worker.reserved_memory_bytes, worker.memory_bytes, bytes) },
  { header: "Since", cell: ({ started_at: at }) => <Time at={at} /> },
];

export function Queue() {
  const list = useRead("/v1/queue", useParams("start"), LISTED);
  return <List label="Queue" of={list} columns={LANES} empty={<Empty title="Nothing waits, and nothing works" />} />;
}

type Lane = Schemas["LaneLine"];

const LANES: Column<Lane>[] = [
  { header: "Lane", cell: (lane) => <>{lane.name} {lane.paused && <Tag size="sm">Paused</Tag>}<small>{lane.space_name}</small></> },
  { header: "Waiting", numeric: true, cell: ({ queued }) => count(queued) },
  { header: "Oldest wait", cell: ({ oldest_at: at }) => (at ? <Time at={at} /> : <Muted>None</Muted>) },
  { header: "Working", numeric: true, cell: (lane) => `${lane.running} of ${lane.max_running}` },
  { header: "Held by", cell: (lane) => (lane.holders.length === 0 ? <Muted>Nobody</Muted> : <Holders lane={lane} />) },
];

const Holders = ({ lane }: { lane: Lane }) => (
  <ul>
    {lane.holders.map((each) => (
      <li key={each.run_id}>
        <Link href={paths.run(lane.space_id, each.job_id, each.run_id)}>{each.run_name}</Link> on {each.host ?? "a worker that is gone"},
        since <Time at={each.since} />
      </li>
    ))}
  </ul>
);

const SOON_DAYS = 30;

export function Storage() {
  const { data, error } = useRead("/v1/storage", {}, { refetchInterval: 60_000 });
  if (!data) return <Problem error={error} />;
  const { place, disk_free: free, disk_total: total, days_left: left, growth_days: days, growth_a_day: growth } = data;
  const grew = growth === 0 ? `Nothing grew in the last ${days} days` : `${bytes(growth)} came a day in the last ${days} days`;
  const room = free === null || total === null ? ", which does not tell how much room it has" : `: ${bytes(free)} of ${bytes(total)} are free`;
  return (
    <>
      <p>
        Content lies in {place}{room}.{" "}
        <span className={left !== null && left < SOON_DAYS ? "bad" : ""}>{grew}{left !== null && `: the room lasts for ${lasts(left)}`}.</span>
      </p>
      {free !== null && total !== null && <meter min={0} max={total} high={total * 0.9} value={total - free} aria-label="Disk in use" />}
      <CursorTable label="Content by kind" columns={CONTENTS} rows={data.contents} rowKey={(each) => each.kind} />
    </>
  );
}

const lasts = (days: number) => (days > 3650 ? "more than ten years" : `${count(Math.floor(days))} days`);

const NAMES: Record<string, string> = { run: "Runs: inputs, logs, results", export: "Exports and imports" };

const CONTENTS: Column<Schemas["ContentLine"]>[] = [
  { header: "Kind", cell: ({ kind }) => NAMES[kind] ?? words(kind) },
  { header: "Pieces", numeric: true, cell: ({ number }) => count(number) },
  { header: "Size", numeric: true, cell: ({ exact, size }) => `${exact ? "" : "about "}${bytes(size)}` },
];

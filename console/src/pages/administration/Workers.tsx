import { Tag } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { type Worker, workersQuery } from "../../api/administration";
import { bytes } from "../../kit/bytes";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { Empty } from "../../kit/Empty";
import { Problem } from "../../kit/Problem";
import { Time } from "../../kit/Time";

export function Workers() {
  const { data, error } = useQuery(workersQuery);
  return (
    <>
      <Problem error={error} />
      {data?.results.length === 0 && <Empty title="No worker was heard of within a day">Start one with “gristmill up” or “gristmill work”.</Empty>}
      {data && data.results.length > 0 && (
        <CursorTable label="Workers" columns={COLUMNS} rows={data.results} rowKey={(worker) => worker.id} next={null} />
      )}
    </>
  );
}

const of = (reserved: string, offered: string | null) => `${reserved} of ${offered ?? "any"}`;
const processors = (millicores: number) => (millicores / 1000).toLocaleString("en");

const COLUMNS: Column<Worker>[] = [
  {
    header: "Worker",
    cell: (worker) => (
      <>
        {worker.host}, process {worker.pid}
        <small>{worker.id}</small>
      </>
    ),
  },
  {
    header: "Last heard of",
    cell: (worker) => (
      <>
        <Time at={worker.seen_at} /> {worker.stale && <Tag type="red" size="sm">Silent</Tag>}
      </>
    ),
  },
  { header: "Slots", numeric: true, cell: (worker) => of(String(worker.running), String(worker.slots)) },
  {
    header: "Processors",
    numeric: true,
    cell: (worker) => of(processors(worker.reserved_millicores), worker.millicores === null ? null : processors(worker.millicores)),
  },
  {
    header: "Memory",
    numeric: true,
    cell: (worker) => of(bytes(worker.reserved_memory_bytes), worker.memory_bytes === null ? null : bytes(worker.memory_bytes)),
  },
  { header: "Since", cell: (worker) => <Time at={worker.started_at} /> },
];

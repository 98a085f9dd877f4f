import { useQuery } from "@tanstack/react-query";
import { type Content, storageQuery } from "../../api/administration";
import { bytes } from "../../kit/bytes";
import { type Column, CursorTable } from "../../kit/CursorTable";
import { Problem } from "../../kit/Problem";

const SOON_DAYS = 30;

export function Storage() {
  const { data, error } = useQuery(storageQuery);
  if (!data) return <Problem error={error} />;
  const soon = data.days_left !== null && data.days_left < SOON_DAYS;
  const share = data.disk_total - data.disk_free;
  return (
    <>
      <p>
        {bytes(data.disk_free)} of {bytes(data.disk_total)} are free.{" "}
        <span className={soon ? "bad" : ""}>
          {data.days_left === null
            ? `Nothing grew in the last ${data.growth_days} days.`
            : `${bytes(data.growth_a_day)} came a day in the last ${data.growth_days} days: the room lasts for ${lasts(data.days_left)}.`}
        </span>
      </p>
      <meter min={0} max={data.disk_total} high={data.disk_total * 0.9} value={share} aria-label="Disk in use" />
      <CursorTable label="Content by kind" columns={COLUMNS} rows={data.contents} rowKey={(each) => each.kind} next={null} />
    </>
  );
}

const lasts = (days: number) => (days > 3650 ? "more than ten years" : `${Math.floor(days).toLocaleString("en")} days`);

const NAMES: Record<string, string> = { run: "Runs: inputs, logs, results", export: "Exports and imports" };

const COLUMNS: Column<Content>[] = [
  { header: "Kind", cell: (each) => NAMES[each.kind] ?? each.kind.replaceAll("_", " ") },
  { header: "Pieces", numeric: true, cell: (each) => each.number.toLocaleString("en") },
  { header: "Size", numeric: true, cell: (each) => `${each.exact ? "" : "about "}${bytes(each.size)}` },
];

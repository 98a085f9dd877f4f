import { Link } from "wouter";
import type { OutputsGlance } from "../../../api/assets";
import { bytes } from "../../../kit/bytes";
import { type Column, CursorTable } from "../../../kit/CursorTable";
import { Section } from "../../../kit/Section";
import { Time } from "../../../kit/Time";
import { paths } from "../../../paths";

/** What runs wrote, a line for each job, so that it is not strewn among what people brought. */
export function Outputs({ space, groups }: { space: string; groups: OutputsGlance[] }) {
  return (
    <Section title="Outputs of runs">
      <CursorTable label="Outputs of runs" columns={columns(space)} rows={groups} rowKey={(group) => group.job_id} next={null} />
    </Section>
  );
}

const columns = (space: string): Column<OutputsGlance>[] => [
  {
    header: "Job",
    cell: ({ job_id: job, job_name: name }) => (
      <Link href={paths.assets(space, { made_by: job })}>{name ?? "A job that is gone"}</Link>
    ),
  },
  { header: "Outputs", numeric: true, cell: ({ number }) => number.toLocaleString("en") },
  { header: "Size", numeric: true, cell: ({ size }) => bytes(size) },
  { header: "Newest", cell: ({ newest_at: at }) => <Time at={at} /> },
];

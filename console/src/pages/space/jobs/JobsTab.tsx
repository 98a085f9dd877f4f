import { Button } from "@carbon/react";
import { Add } from "@carbon/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { type JobFilter, type JobGlances, jobsQuery } from "../../../api/jobs";
import { CursorTable } from "../../../kit/CursorTable";
import { Empty } from "../../../kit/Empty";
import { type Chip, FilterChips } from "../../../kit/FilterChips";
import { Problem } from "../../../kit/Problem";
import { UrlSearch } from "../../../kit/UrlSearch";
import { paths } from "../../../paths";
import type { TabProps } from "../tabs";
import { jobColumns } from "./jobColumns";
import { TableSkeleton } from "../../../kit/TableSkeleton";

/** Are the jobs well, what runs, what comes next: filters, search and page are in the address. */
export default function JobsTab({ space }: TabProps) {
  const [search] = useSearchParams();
  const asked = { name: search.get("name"), filter: search.get("filter"), start: search.get("start") };
  const { data, error } = useQuery(jobsQuery(space, asked));
  const columns = jobColumns(space);
  const narrowed = Boolean(asked.name || asked.filter);
  return (
    <>
      <Problem error={error} title="The jobs cannot be shown" />
      {data && <FilterChips chips={chips(data)} />}
      <div className="toolbar">
        <UrlSearch name="name" label="Find a job" />
        <Button as={Link} href={paths.newJob(space)} renderIcon={Add}>
          New job
        </Button>
      </div>
      {!data && !error && (
        <TableSkeleton columns={columns.length} rows={8} />
      )}
      {data?.results.length === 0 && <NoJobs space={space} narrowed={narrowed} />}
      {data && data.results.length > 0 && (
        <CursorTable label="Jobs" columns={columns} rows={data.results} rowKey={(job) => job.id} next={data.next} />
      )}
    </>
  );
}

function NoJobs({ space, narrowed }: { space: string; narrowed: boolean }) {
  return narrowed ? (
    <Empty title="No job is like that" action={<Link href={paths.jobs(space)}>Show all jobs</Link>} />
  ) : (
    <Empty title="No jobs yet">A job runs a deployment, a script, a notebook or a flow: now, or on a schedule.</Empty>
  );
}

const FILTERS: [JobFilter, string][] = [
  ["running", "Running"],
  ["queued", "Queued"],
  ["failing", "Failing"],
  ["late", "Late"],
  ["paused", "Paused"],
];

function chips({ total_count, counts }: JobGlances): Chip[] {
  return [
    { value: null, label: "All", count: total_count },
    ...FILTERS.map(([value, label]) => ({ value, label, count: counts[value] ?? 0 })),
  ];
}

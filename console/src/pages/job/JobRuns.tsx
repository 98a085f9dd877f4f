import { useQuery } from "@tanstack/react-query";
import { Link, useSearchParams } from "wouter";
import { runsQuery } from "../../api/runs";
import { useAddress } from "../../kit/address";
import { CursorTable } from "../../kit/CursorTable";
import { Empty } from "../../kit/Empty";
import { Problem } from "../../kit/Problem";
import { Compare } from "./Compare";
import { runColumns } from "./runColumns";

interface JobRunsProps {
  space: string;
  job: string;
  states: string | null;
  start: string | null;
}

const FILTERS: [label: string, states: string | null][] = [
  ["All", null],
  ["Waiting and working", "Queued,Starting,Running,Canceling"],
  ["Completed", "Completed"],
  ["Failed", "Failed"],
  ["Canceled", "Canceled"],
];

/** The job's runs, the newest first; two that are chosen are compared. Filter, page and choice are in the address. */
export function JobRuns({ space, job, states, start }: JobRunsProps) {
  const { data, error } = useQuery(runsQuery(job, { states, start }));
  const [search, setSearch] = useSearchParams();
  const address = useAddress();
  const ids = (search.get("compare") ?? "").split(",").filter(Boolean).slice(0, 2);
  const toggle = (id: string) =>
    setSearch(
      (before) => {
        const chosen = ids.includes(id) ? ids.filter((each) => each !== id) : [...ids, id];
        const next = new URLSearchParams(before);
        if (chosen.length > 0) next.set("compare", chosen.join(","));
        else next.delete("compare");
        return next;
      },
      { replace: true },
    );
  const [left, right] = ids;
  return (
    <section className="panel" aria-labelledby="runs-heading">
      <h2 id="runs-heading">Runs</h2>
      <nav className="chips" aria-label="States of runs">
        {FILTERS.map(([label, value]) => (
          <Link key={label} href={address({ states: value })} aria-current={states === value ? "true" : undefined}>
            {label}
          </Link>
        ))}
      </nav>
      <Problem error={error} title="The runs cannot be shown" />
      {left && right && <Compare job={job} ids={[left, right]} />}
      {data?.results.length === 0 && <Empty title={states ? "No run is like that" : "No runs yet"}>Run the job now, or give it a schedule.</Empty>}
      {data && data.results.length > 0 && (
        <CursorTable label="Runs" columns={runColumns(space, job, { ids, toggle })} rows={data.results} rowKey={(run) => run.metadata.asset_id} next={data.next?.start ?? null} />
      )}
    </section>
  );
}

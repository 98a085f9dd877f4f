import { useQuery } from "@tanstack/react-query";
import { FINAL, historyQuery, type Run, type RunEvent, type RunRef } from "../../api/runs";
import { duration } from "../../kit/time";
import { useLiveNow } from "../../kit/useLiveNow";

interface Stage {
  name: string;
  seconds: number | null;
  now: boolean;
}

/** Through what the run went and how long each part took. Writing is told while it lasts; later it is part of scoring. */
export function Stages({ of, run }: { of: RunRef; run: Run }) {
  const { data } = useQuery(historyQuery(of, run.entity.job_run.state));
  const stages = stagesOf(run, data?.results ?? [], useLiveNow(!FINAL.includes(run.entity.job_run.state)));
  return (
    <ol className="stages" aria-label="Stages">
      {stages.map(({ name, seconds, now }) => (
        <li key={name} aria-current={now ? "step" : undefined} className={seconds === null ? "ahead" : ""}>
          {name}
          <small>{seconds === null ? "-" : duration(seconds)}</small>
        </li>
      ))}
    </ol>
  );
}

function stagesOf(run: Run, history: RunEvent[], now: number): Stage[] {
  const { state, queue_start: queued, execution_start: begun, execution_end: ended, rows } = run.entity.job_run;
  const claim = history.filter(({ event }) => event === "claimed").at(-1);
  const claimed = claim ? Date.parse(claim.at) : begun || null;
  const end = ended || now;
  const over = FINAL.includes(state);
  const writes = state === "Running" && rows?.total !== undefined && rows.done === rows.total;
  const between = (from: number | null, to: number) => (from === null || from === 0 ? null : Math.max(0, to - from) / 1000);
  const work = run.entity.job_run.job_type === "deployment" || rows?.read !== undefined ? "Scoring" : "Running";
  const stages = [
    { name: "Queued", seconds: between(queued, claimed ?? end), now: state === "Queued" },
    { name: "Preparing", seconds: between(claimed, begun || end), now: state === "Starting" },
    { name: over ? `${work} and writing` : work, seconds: between(begun || null, end), now: state === "Running" && !writes },
  ];
  return over || rows?.total === undefined ? stages : [...stages, { name: "Writing", seconds: writes ? 0 : null, now: writes }];
}

import { useQuery } from "@tanstack/react-query";
import { healthQuery } from "../api/administration";
import { Time } from "../kit/Time";

const MEANS: Record<string, [who: string, means: string]> = {
  scheduler: ["The scheduler is silent", "schedules start nothing"],
  workers: ["All workers are silent", "nothing that waits will start"],
};

/** Says so when nobody is at work: nothing is worse than a calm page over a dead scheduler. */
export function SilenceBanner() {
  const { data } = useQuery(healthQuery);
  if (!data || data.silent.length === 0) return null;
  const seen: Record<string, string | null> = { scheduler: data.scheduler_seen_at, workers: data.workers_seen_at };
  return (
    <div className="silence" role="alert">
      {data.silent.map((name) => (
        <p key={name}>
          <strong>{MEANS[name]?.[0] ?? name}</strong>: {MEANS[name]?.[1]}.{" "}
          {seen[name] ? <>Last heard of <Time at={seen[name]} />.</> : "Not heard of yet."}
        </p>
      ))}
    </div>
  );
}

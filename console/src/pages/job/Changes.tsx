import { useQuery } from "@tanstack/react-query";
import { changesQuery, type JobChange } from "../../api/job";
import { Time } from "../../kit/Time";

/** What was changed of the job, the newest first. */
export function Changes({ job }: { job: string }) {
  const { data } = useQuery(changesQuery(job));
  if (!data) return null;
  return (
    <section className="panel" aria-labelledby="changes-heading">
      <h2 id="changes-heading">Changes</h2>
      {data.results.length === 0 && <p className="muted">None has been noted yet.</p>}
      <ol className="changes">
        {data.results.map((change) => (
          <li key={change.version}>
            <Time at={change.at} full /> by {change.actor_name ?? "somebody who is gone"}
            {change.changes.length === 0 ? ": made" : <ChangedFields change={change} />}
          </li>
        ))}
      </ol>
    </section>
  );
}

function ChangedFields({ change }: { change: JobChange }) {
  return (
    <ul>
      {change.changes.map(({ field, before, after }) => (
        <li key={field}>
          {field}: <del>{text(before)}</del> → <ins>{text(after)}</ins>
        </li>
      ))}
    </ul>
  );
}

function text(value: unknown): string {
  if (value === null || value === undefined || value === "") return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value);
}

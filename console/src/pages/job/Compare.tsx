import { useQueries, useQuery } from "@tanstack/react-query";
import { type Run, runQuery, type RunSpecification, specificationQuery } from "../../api/runs";
import { lookOf } from "../../kit/Status";
import { absolute, duration } from "../../kit/time";

/** Two runs of the job side by side; what differs stands out. */
export function Compare({ job, ids: [left, right] }: { job: string; ids: [string, string] }) {
  const [one, two] = [useQuery(runQuery({ job, run: left })), useQuery(runQuery({ job, run: right }))];
  const made = useQueries({ queries: [left, right].map((run) => specificationQuery({ job, run })) });
  if (!one.data || !two.data || !made[0]?.data || !made[1]?.data) return null;
  const [first, second] = [facts(one.data, made[0].data), facts(two.data, made[1].data)];
  return (
    <section className="panel" aria-labelledby="compare-heading">
      <h2 id="compare-heading">Two runs compared</h2>
      <div className="grid" tabIndex={0} role="region" aria-label="Values of both runs">
        <table>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">{absolute(Date.parse(one.data.metadata.created_at))}</th>
              <th scope="col">{absolute(Date.parse(two.data.metadata.created_at))}</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(first).map(([name, value]) => (
              <tr key={name} className={value === second[name] ? "" : "differs"}>
                <th scope="row">{name}</th>
                <td>{value}</td>
                <td>{second[name]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function facts(run: Run, made: RunSpecification): Record<string, string> {
  const told = run.entity.job_run;
  return {
    State: lookOf(told.state).word,
    Cause: told.failure?.message ?? "",
    Worked: told.execution_end && told.execution_start ? duration((told.execution_end - told.execution_start) / 1000) : "",
    Rows: (told.rows?.read ?? told.rows?.done ?? "").toLocaleString("en"),
    "Bad rows": (told.rows?.rejected ?? "").toLocaleString("en"),
    Content: made.asset_sha256.slice(0, 16),
    Revision: String(made.asset_revision),
    Inputs: made.inputs.map(({ name, rows, bytes }) => `${name} ${rows ?? bytes ?? ""}`).join("; "),
    Software: made.software.name,
    Hardware: String(made.hardware.name ?? JSON.stringify(made.hardware)),
    Variables: Object.entries(made.environment_variables).map(([name, value]) => `${name}=${value}`).join(", "),
    Packages: packages(told.packages),
  };
}

function packages(found: Record<string, string> = {}): string {
  return Object.entries(found).sort(([a], [b]) => a.localeCompare(b)).map(([name, version]) => `${name} ${version}`).join(", ");
}

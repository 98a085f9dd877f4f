import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { type Run, type RunRef, type RunSpecification, runPath, specificationQuery } from "../../api/runs";
import { Copy } from "../../kit/Copy";
import { Facts } from "../../kit/Facts";
import { Time } from "../../kit/Time";
import { paths } from "../../paths";
import { bytes } from "./Results";

/** What the run was made of: exactly that, as it was when it was queued. */
export function RunFacts({ space, of, run }: { space: string; of: RunRef; run: Run }) {
  const { data: made } = useQuery(specificationQuery(of));
  const told = run.entity.job_run;
  return (
    <aside className="panel" aria-labelledby="facts-heading">
      <h2 id="facts-heading">What was run</h2>
      <Facts
        facts={[
          ["Asked for", <Time key="at" at={run.metadata.created_at} full />],
          ["By", told.isScheduledRun ? "The schedule" : "Hand"],
          ["Repairs", told.repair_of && <Link href={paths.run(space, of.job, told.repair_of)}>an earlier run</Link>],
          ["Rejected rows of", told.rejected_of && <Link href={paths.run(space, of.job, told.rejected_of)}>an earlier run</Link>],
          ["Attempt", told.attempt > 1 && String(told.attempt)],
          ...(made ? specified(made) : []),
          ["Peak memory", told.peak_memory_bytes && bytes(told.peak_memory_bytes)],
          ["Processor time", told.cpu_seconds !== undefined && `${told.cpu_seconds.toFixed(1)} s`],
          ["Held by", told.isolation?.join(", ")],
          ["Run id", <Copy key="run" what="the run's id" text={of.run} />],
          ["Id in the ML API", <Copy key="ml" what="the id in the ML API" text={told.runtime_job_id} />],
        ]}
      />
      {told.packages && <Packages packages={told.packages} />}
      <details>
        <summary>The same by the API</summary>
        <Copy what="the command" text={`curl -H "Authorization: Bearer $TOKEN" ${window.location.origin}${runPath(of)}`} />
      </details>
    </aside>
  );
}

function specified(made: RunSpecification): [string, React.ReactNode][] {
  const variables = Object.entries(made.environment_variables).map(([name, value]) => `${name}=${value}`);
  const secrets = made.secret_variables.map((name) => `${name}=(secret)`);
  return [
    ["Asset", `${made.asset_name ?? made.asset_id}${made.asset_revision ? `, revision ${made.asset_revision}` : ""} (${made.asset_type})`],
    ["Content", <code key="sha">{`sha256 ${made.asset_sha256.slice(0, 16)}`}</code>],
    ["Inputs", made.inputs.map(({ name, rows, bytes: size }) => `${name}${rows ? `, ${rows} rows` : ""}${size ? `, ${bytes(size)}` : ""}`).join("; ")],
    ["Software", [made.software.name, ...made.software.extensions].join(" + ")],
    ["Hardware", [String(made.hardware.name ?? "as specified"), made.cpus ? `${made.cpus} processors` : "", made.memory_limit_bytes ? bytes(made.memory_limit_bytes) : ""].filter(Boolean).join(", ")],
    ["Network", made.network ? "allowed" : "none"],
    ["Time limit", made.timeout_seconds && `${made.timeout_seconds} s`],
    ["Variables", [...variables, ...secrets].join(", ")],
  ];
}

function Packages({ packages }: { packages: Record<string, string> }) {
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b));
  return (
    <details>
      <summary>{`${sorted.length} packages`}</summary>
      <div className="packages" tabIndex={0} role="region" aria-label="Packages">
        <ul>
          {sorted.map(([name, version]) => (
            <li key={name}>
              <code>{`${name} ${version}`}</code>
            </li>
          ))}
        </ul>
      </div>
    </details>
  );
}

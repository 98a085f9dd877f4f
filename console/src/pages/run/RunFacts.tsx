import { Link } from "wouter";
import { FIXED, type RunEntity, runPath, type Schemas, useRead } from "../../api";
import { bytes, Copy, counted, type Fact, Facts, Section, Time } from "../../kit";
import { paths } from "../../paths";
import type { RunProps } from "./RunPage";

/** What the run was made of: exactly that, as it was when it was queued. */
export function RunFacts({ space, of, run }: RunProps) {
  const { data: made } = useRead("/v2/jobs/{job_id}/runs/{run_id}/specification", of, { ...FIXED, retry: false });
  const told = run.entity.job_run;
  const earlier = (id: string | undefined) => id && <Link href={paths.run(space, of.job_id, id)}>an earlier run</Link>;
  const packages = packagesOf(told);
  return (
    <aside aria-label="What was run">
      <Section title="What was run">
        <Facts
          facts={[
            ["Asked for", <Time at={run.metadata.created_at} full />],
            ["By", told.isScheduledRun ? "The schedule" : "Hand"],
            ["Repairs", earlier(told.repair_of)],
            ["Rejected rows of", earlier(told.rejected_of)],
            ["Attempt", told.attempt > 1 && String(told.attempt)],
            ...(made ? specified(made) : []),
            ["Peak memory", told.peak_memory_bytes && bytes(told.peak_memory_bytes)],
            ["Processor time", told.cpu_seconds !== undefined && `${told.cpu_seconds.toFixed(1)} s`],
            ["Held by", told.isolation?.join(", ")],
            ["Run id", <Copy what="the run's id" text={of.run_id} />],
            ["Id in the ML API", <Copy what="the id in the ML API" text={told.runtime_job_id} />],
          ]}
        />
        {told.packages && (
          <details>
            <summary>{counted(packages.length, "package")}</summary>
            <div className="packages" tabIndex={0} role="region" aria-label="Packages">
              <ul>{packages.map((each) => <li key={each}><code>{each}</code></li>)}</ul>
            </div>
          </details>
        )}
        <details>
          <summary>The same by the API</summary>
          <Copy what="the command" text={`curl -H "Authorization: Bearer $TOKEN" ${location.origin}${runPath(of)}`} />
        </details>
      </Section>
    </aside>
  );
}

/** The packages of the run's environment, "name version", by name. */
export const packagesOf = ({ packages = {} }: RunEntity) =>
  Object.entries(packages).sort(([a], [b]) => a.localeCompare(b)).map((each) => each.join(" "));

function specified(made: Schemas["RunSpecification"]): Fact[] {
  const { asset_id, asset_name, asset_type, asset_revision: revision, inputs, software, hardware, cpus, memory_limit_bytes: memory } = made;
  const variables = Object.entries(made.environment_variables).map((each) => each.join("="));
  const secrets = made.secret_variables.map((name) => `${name}=(secret)`);
  const sizes = [String(hardware.name ?? "as specified"), cpus && `${cpus} processors`, memory && bytes(memory)];
  const input = ({ name, rows, bytes: size }: (typeof inputs)[number]) =>
    [name, rows && counted(rows, "row"), size && bytes(size)].filter(Boolean).join(", ");
  return [
    ["Asset", `${asset_name ?? asset_id}${revision ? `, revision ${revision}` : ""} (${asset_type})`],
    ["Content", <code>{`sha256 ${made.asset_sha256.slice(0, 16)}`}</code>],
    ["Inputs", inputs.map(input).join("; ")],
    ["Software", [software.name, ...software.extensions].join(" + ")],
    ["Hardware", sizes.filter(Boolean).join(", ")],
    ["Network", made.network ? "allowed" : "none"],
    ["Time limit", made.timeout_seconds && `${made.timeout_seconds} s`],
    ["Variables", [...variables, ...secrets].join(", ")],
  ];
}

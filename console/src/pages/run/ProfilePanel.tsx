import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { type ColumnProfile, FINAL, type Profile, profileQuery, type Run, type RunRef } from "../../api/runs";
import { paths } from "../../paths";

const MOST_CATEGORIES = 6;

/** How the predictions are spread, beside those of the run that they were compared with. */
export function ProfilePanel({ space, of, run }: { space: string; of: RunRef; run: Run }) {
  const state = run.entity.job_run.state;
  const { data } = useQuery({ ...profileQuery(of, state), enabled: FINAL.includes(state) });
  const before = data?.compared?.run_id;
  const { data: earlier } = useQuery({ ...profileQuery({ job: of.job, run: before ?? "" }, "before"), enabled: Boolean(before) });
  if (!data?.results.length) return null;
  return (
    <section className="panel" aria-labelledby="profile-heading">
      <h2 id="profile-heading">Predictions</h2>
      <Compared space={space} of={of} profile={data} />
      {data.results.map((column) => (
        <Column key={column.name} now={column} before={earlier?.results.find(({ name }) => name === column.name)} />
      ))}
    </section>
  );
}

function Compared({ space, of, profile: { compared } }: { space: string; of: RunRef; profile: Profile }) {
  if (!compared) return <p className="muted">There is no earlier run to compare with.</p>;
  const alike = compared.findings.length === 0;
  return (
    <>
      <p>
        {alike ? "Like " : "Not like "}
        <Link href={paths.run(space, of.job, compared.run_id)}>the run before</Link>
        {alike ? "." : ":"}
      </p>
      <ul className="findings">
        {compared.findings.map((finding) => (
          <li key={finding}>{finding}</li>
        ))}
      </ul>
    </>
  );
}

function Column({ now, before }: { now: ColumnProfile; before: ColumnProfile | undefined }) {
  return (
    <div className="profile-column">
      <h3>{now.name}</h3>
      <p className="muted">{words(now)}</p>
      {before && <p className="muted">{`Before: ${words(before)}`}</p>}
      {now.categories && <Categories now={now} before={before} />}
    </div>
  );
}

function words({ rows, nulls, mean, minimum, maximum }: ColumnProfile): string {
  const number = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 4 });
  const spread = mean !== undefined && minimum !== undefined && maximum !== undefined ? `, mean ${number(mean)}, ${number(minimum)} to ${number(maximum)}` : "";
  return `${rows.toLocaleString("en")} values, ${nulls.toLocaleString("en")} empty${spread}`;
}

/** A bar for each category: its share now, and as a line where it was before. */
function Categories({ now, before }: { now: ColumnProfile; before: ColumnProfile | undefined }) {
  const was = new Map(before?.categories?.map(([value, count]) => [String(value), count / Math.max(1, before.rows)]));
  return (
    <dl className="shares">
      {now.categories?.slice(0, MOST_CATEGORIES).map(([value, count]) => {
        const share = count / Math.max(1, now.rows);
        const earlier = was.get(String(value));
        return (
          <div key={String(value)}>
            <dt>{String(value)}</dt>
            <dd>
              <svg width="120" height="12" aria-hidden="true">
                <rect className="tone-working" width={120 * share} height="12" />
                {earlier !== undefined && <rect className="before" x={120 * earlier - 1} width="2" height="12" />}
              </svg>
              {`${(100 * share).toFixed(1)} %`}
              {earlier !== undefined && <span className="muted">{` (${(100 * earlier).toFixed(1)} % before)`}</span>}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

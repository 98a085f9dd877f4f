import { Renew } from "@carbon/icons-react";
import { Button } from "@carbon/react";
import { Link } from "wouter";
import { actOn, type ColumnProfile, FINAL, FIXED, type Profile, useNewRun, useRead } from "../../api";
import { bytes, count, counted, DownloadLink, Facts, Grid, Muted, Problem, Section, shown } from "../../kit";
import { inState, type RunProps } from "./RunPage";
import { paths } from "../../paths";

const FIRST = "First rows of the result";

const useFiles = ({ of, run }: RunProps) =>
  useRead("/v2/jobs/{job_id}/runs/{run_id}/results", of, inState(run, FINAL.includes(run.entity.job_run.state))).data?.results ?? [];

/** The beginning of what the run made, inputs beside predictions, and everything that it left to download. */
export function Results(props: RunProps) {
  const { of, run } = props;
  const how = inState(run, run.entity.job_run.state.startsWith("Completed"));
  const { data: first } = useRead("/v2/jobs/{job_id}/runs/{run_id}/first_rows", of, how);
  const files = useFiles(props);
  if (!first && files.length === 0) return null;
  const { columns = [], rows = [], asset_id: asset, asset_name: name, row_count: number = null } = first ?? {};
  const about = asset && <Muted>{name}{number !== null && `, ${counted(number, "row")}`}</Muted>;
  return (
    <Section title="Result" actions={about}>
      {first && (
        <Grid
          label={FIRST}
          name={FIRST}
          heads={columns.map((column) => <>{column.name}<small>{column.role}</small></>)}
          rows={rows.map((row) => columns.map((_, at) => shown(row[at])))}
          looks={columns.map(({ role }) => role)}
        />
      )}
      <ul>
        {files.map((file) => (
          <li key={file.name}><DownloadLink href={file.href} name={file.name}>{`${file.name} (${bytes(file.size)})`}</DownloadLink></li>
        ))}
      </ul>
    </Section>
  );
}

const HEADS = ["Row", "Column", "Value", "Reason"];

/** The rows that were not scored and why, to be taken away, put right, or tried again alone. */
export function Rejected(props: RunProps) {
  const { space, of, run } = props;
  const { rejections, rows } = run.entity.job_run;
  const again = useNewRun(space, () => actOn(of, "rerun_rejected"));
  const file = useFiles(props).find(({ name }) => name.startsWith("rejected_rows."));
  if (!rejections?.length) return null;
  const actions = file && (
    <>
      <DownloadLink href={file.href} name={file.name}>Download them</DownloadLink>
      <Button size="sm" kind="tertiary" renderIcon={Renew} disabled={again.isPending} onClick={() => again.mutate()}>Re-run only these</Button>
    </>
  );
  return (
    <Section title={counted(rows?.rejected ?? rejections.length, "rejected row")} actions={actions}>
      <Problem error={again.error} title="The rows are not run again" />
      <p className="muted">{byReason(rejections.map(({ column, reason }) => `${column ? `${column}: ` : ""}${reason}`))}</p>
      <Grid
        label="First rejected rows"
        heads={HEADS}
        rows={rejections.map(({ row, column, value, reason }) => [row.toLocaleString("en"), column, <span className="bad">{value}</span>, reason])}
      />
    </Section>
  );
}

function byReason(reasons: string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, 3);
  return `Of the first ${reasons.length}: ${most.map(([reason, number]) => `${number} × ${reason}`).join("; ")}`;
}

const MOST_CATEGORIES = 6;
const PROFILE = "/v2/jobs/{job_id}/runs/{run_id}/profile";

/** How the predictions are spread, beside those of the run that they were compared with. */
export function Predictions({ space, of, run }: RunProps) {
  const { data } = useRead(PROFILE, of, inState(run, FINAL.includes(run.entity.job_run.state)));
  const before = data?.compared?.run_id ?? "";
  const { data: earlier } = useRead(PROFILE, { ...of, run_id: before }, { ...FIXED, retry: false, enabled: before !== "" });
  if (!data?.results.length) return null;
  return (
    <Section title="Predictions">
      <Compared to={paths.run(space, of.job_id, before)} compared={data.compared} />
      {data.results.map((column) => (
        <Column key={column.name} now={column} before={earlier?.results.find(({ name }) => name === column.name)} />
      ))}
    </Section>
  );
}

function Compared({ to, compared }: { to: string; compared: Profile["compared"] }) {
  if (!compared) return <p className="muted">There is no earlier run to compare with.</p>;
  const alike = compared.findings.length === 0;
  return (
    <>
      <p>{alike ? "Like " : "Not like "}<Link href={to}>the run before</Link>{alike ? "." : ":"}</p>
      <ul className="findings">{compared.findings.map((finding) => <li key={finding}>{finding}</li>)}</ul>
    </>
  );
}

type ColumnProps = { now: ColumnProfile; before: ColumnProfile | undefined };

const Column = ({ now, before }: ColumnProps) => (
  <>
    <h3>{now.name}</h3>
    <p className="muted">{spread(now)}</p>
    {before && <p className="muted">{`Before: ${spread(before)}`}</p>}
    {now.categories && <Categories now={now} before={before} />}
  </>
);

function spread({ rows, nulls, mean, minimum, maximum }: ColumnProfile): string {
  const number = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 4 });
  const known = mean !== undefined && minimum !== undefined && maximum !== undefined;
  return `${count(rows)} values, ${count(nulls)} empty${known ? `, mean ${number(mean)}, ${number(minimum)} to ${number(maximum)}` : ""}`;
}

/** A bar for each category: its share now, and as a line where it was before. */
function Categories({ now, before }: ColumnProps) {
  const sharesOf = ({ rows, categories }: ColumnProfile) =>
    categories?.map(([value, number]): [string, number] => [String(value), number / Math.max(1, rows)]) ?? [];
  const was = new Map(before && sharesOf(before));
  const shares = sharesOf(now).slice(0, MOST_CATEGORIES);
  return <Facts className="shares" facts={shares.map(([value, share]) => [value, <Share now={share} before={was.get(value)} />])} />;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

const Share = ({ now, before }: { now: number; before: number | undefined }) => (
  <>
    <svg width="120" height="12" aria-hidden="true">
      <rect className="tone-working" width={120 * now} height="12" />
      {before !== undefined && <rect className="before" x={120 * before - 1} width="2" height="12" />}
    </svg>
    {percent(now)}
    {before !== undefined && <span className="muted">{` (${percent(before)} before)`}</span>}
  </>
);

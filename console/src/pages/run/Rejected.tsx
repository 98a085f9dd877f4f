import { Button } from "@carbon/react";
import { Renew } from "@carbon/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type Run, type RunRef, rerunRejected, resultsQuery } from "../../api/runs";
import { DownloadLink } from "../../kit/DownloadLink";
import { Problem } from "../../kit/Problem";
import { counted } from "./sentence";
import { useNewRun } from "./useNewRun";

/** The rows that were not scored and why, to be taken away, put right, or tried again alone. */
export function Rejected({ space, of, run }: { space: string; of: RunRef; run: Run }) {
  const { rejections, rows, state } = run.entity.job_run;
  const { data } = useQuery(resultsQuery(of, state));
  const again = useNewRun(space, () => rerunRejected(of));
  const file = data?.results.find(({ name }) => name.startsWith("rejected_rows."));
  if (!rejections?.length) return null;
  return (
    <section className="panel" aria-labelledby="rejected-heading">
      <div className="panel-head">
        <h2 id="rejected-heading">{counted(rows?.rejected ?? rejections.length, "rejected row")}</h2>
        {file && (
          <>
            <DownloadLink href={file.href} name={file.name}>
              Download them
            </DownloadLink>
            <Button size="sm" kind="tertiary" renderIcon={Renew} disabled={again.isPending} onClick={() => again.mutate()}>
              Re-run only these
            </Button>
          </>
        )}
      </div>
      <Problem error={again.error} title="The rows are not run again" />
      <p className="muted">{byReason(rejections.map(({ column, reason }) => `${column ? `${column}: ` : ""}${reason}`))}</p>
      <div className="grid" tabIndex={0} role="region" aria-label="First rejected rows">
        <table>
          <thead>
            <tr>
              {["Row", "Column", "Value", "Reason"].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rejections.map(({ source, row, column, value, reason }) => (
              <tr key={`${source} ${row}`}>
                <td>{row.toLocaleString("en")}</td>
                <td>{column}</td>
                <td className="bad">{value}</td>
                <td>{reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function byReason(reasons: string[]): string {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, 3);
  return `Of the first ${reasons.length}: ${most.map(([reason, number]) => `${number} × ${reason}`).join("; ")}`;
}

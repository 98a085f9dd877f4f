import { useQuery } from "@tanstack/react-query";
import { FINAL, type FirstRows, firstRowsQuery, type Run, type RunRef, resultsQuery } from "../../api/runs";
import { DownloadLink } from "../../kit/DownloadLink";

/** The beginning of what the run made, inputs beside predictions, and everything that it left to download. */
export function Results({ of, run }: { of: RunRef; run: Run }) {
  const state = run.entity.job_run.state;
  const over = FINAL.includes(state);
  const { data: rows } = useQuery({ ...firstRowsQuery(of, state), enabled: state.startsWith("Completed") });
  const { data: files } = useQuery({ ...resultsQuery(of, state), enabled: over });
  if (!rows && !files?.results.length) return null;
  return (
    <section className="panel" aria-labelledby="result-heading">
      <div className="panel-head">
        <h2 id="result-heading">Result</h2>
        {rows?.asset_id && (
          <span className="muted">
            {rows.asset_name}
            {rows.row_count !== null && `, ${rows.row_count.toLocaleString("en")} rows`}
          </span>
        )}
      </div>
      {rows && <FirstRowsTable rows={rows} />}
      {files && files.results.length > 0 && (
        <ul className="files">
          {files.results.map((file) => (
            <li key={file.name}>
              <DownloadLink href={file.href} name={file.name}>{`${file.name} (${bytes(file.size)})`}</DownloadLink>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function FirstRowsTable({ rows: { columns, rows } }: { rows: FirstRows }) {
  return (
    <div className="grid" tabIndex={0} role="region" aria-label="First rows of the result">
      <table>
        <thead>
          <tr>
            {columns.map(({ name, role }) => (
              <th key={name} scope="col" className={role}>
                {name}
                <small>{role}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name, and never move
            <tr key={index}>
              {columns.map(({ name, role }, column) => (
                <td key={name} className={role}>
                  {cell(row[column])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1e6) return `${(size / 1e3).toFixed(1)} kB`;
  return size < 1e9 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(1)} GB`;
}

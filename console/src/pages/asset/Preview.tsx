import { SkeletonText } from "@carbon/react";
import { useQuery } from "@tanstack/react-query";
import { type Preview as Shown, previewQuery } from "../../api/assets";
import { bytes, counted } from "../../kit/bytes";
import { Problem } from "../../kit/Problem";
import { Section } from "../../kit/Section";

/** The first 50 rows of data, with the types of the columns. */
export function Preview({ space, id }: { space: string; id: string }) {
  const { data, error } = useQuery(previewQuery(space, id));
  return (
    <Section title="First rows">
      <Problem error={error} title="There is no preview" />
      {!data && !error && <SkeletonText paragraph lineCount={6} />}
      {data && (
        <>
          <p className="muted">{extent(data)}</p>
          <Rows shown={data} />
        </>
      )}
    </Section>
  );
}

function Rows({ shown: { columns, rows } }: { shown: Shown }) {
  return (
    <div className="sideways" tabIndex={0} role="region" aria-label="Preview">
      <table>
        <thead>
          <tr>
            {columns.map(({ name, type, inferred }, index) => (
              <th key={index} scope="col">
                {name}
                <small title={inferred ? "As the first rows look" : "As the file says"}>{type}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>{cell === null ? <span className="muted">null</span> : typeof cell === "string" ? cell : JSON.stringify(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function extent({ row_count: rows, row_count_kind: kind, columns, size, ...odd }: Shown): string {
  const told = [
    rows === null ? "an unknown number of rows" : `${kind === "estimated" ? "about " : ""}${counted(rows, "row")}`,
    counted(columns.length + odd.columns_left_out, "column"),
    ...(size === null ? [] : [bytes(size)]),
    ...(odd.unreadable_rows ? [`${odd.unreadable_rows} of the first rows cannot be read`] : []),
  ];
  const text = told.join(", ");
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`;
}

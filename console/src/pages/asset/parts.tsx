import { SkeletonText } from "@carbon/react";
import { Link } from "wouter";
import { type Field, type Preview as Shown, type Schemas, useRead } from "../../api";
import { bytes, capital, counted, Grid, Muted, Section, shown } from "../../kit";
import { paths } from "../../paths";

/** The columns that a model takes; nothing where it does not say. */
export const Schema = ({ fields }: { fields: Field[] }) =>
  fields.length > 0 && (
    <Section title={`Schema of the input: ${counted(fields.length, "column")}`}>
      <Grid label="Columns of the input" heads={["Column", "Type"]} rows={fields.map(({ name, type }) => [name, type])} />
    </Section>
  );

/** The first 50 rows of data, with the types of the columns. */
export function Preview({ space, id }: { space: string; id: string }) {
  const how = { staleTime: 60_000, retry: false };
  const { data, error } = useRead("/v2/assets/{asset_id}/preview", { asset_id: id, space_id: space, rows: 50 }, how);
  return (
    <Section title="First rows" error={error} problem="There is no preview">
      {!data && !error && <SkeletonText paragraph lineCount={6} />}
      {data && (
        <>
          <p className="muted">{extent(data)}</p>
          <Grid label="Preview" heads={data.columns.map(head)} rows={data.rows.map((row) => row.map(cell))} />
        </>
      )}
    </Section>
  );
}

const head = ({ name, type, inferred }: Shown["columns"][number]) => (
  <>{name}<small title={inferred ? "As the first rows look" : "As the file says"}>{type}</small></>
);

const cell = (value: unknown) => (value === null ? <Muted>null</Muted> : shown(value));

function extent({ row_count: rows, row_count_kind: kind, columns, size, ...odd }: Shown): string {
  const told = [
    rows === null ? "an unknown number of rows" : `${kind === "estimated" ? "about " : ""}${counted(rows, "row")}`,
    counted(columns.length + odd.columns_left_out, "column"),
    ...(size === null ? [] : [bytes(size)]),
    ...(odd.unreadable_rows ? [`${odd.unreadable_rows} of the first rows cannot be read`] : []),
  ];
  return `${capital(told.join(", "))}.`;
}

type Used = Schemas["AssetUsesDocument"];

export const useUses = (space: string, id: string) => useRead("/v2/assets/{asset_id}/uses", { asset_id: id, space_id: space }).data;

/** What would miss an asset; nothing is said where there is nothing and it is to be ``quiet``. */
export function Uses({ space, uses, quiet = false }: { space: string; uses: Used; quiet?: boolean }) {
  const rows = [
    ...uses.deployments.map((use) => ({ ...use, what: "deployment", to: paths.deployment(space, use.id) })),
    ...uses.jobs.map((use) => ({ ...use, what: `job, ${use.how} it`, to: paths.job(space, use.id) })),
    ...uses.assets.map((use) => ({ ...use, what: "data behind it", to: paths.asset(space, use.id) })),
  ];
  if (rows.length === 0) return quiet ? null : <p className="muted">Nothing here refers to it.</p>;
  return <ul>{rows.map(({ id, name, what, to }) => <li key={id}><Link href={to}>{name}</Link> <Muted>({what})</Muted></li>)}</ul>;
}

export function UsesSection({ space, id }: { space: string; id: string }) {
  const uses = useUses(space, id);
  return uses && <Section title="Where it is used"><Uses space={space} uses={uses} /></Section>;
}

export const MadeBy = ({ space, maker: { job_id: job, job_name, run_id, run_name } }: { space: string; maker: NonNullable<Used["made_by"]> }) => (
  <>
    {run_name ? <Link href={paths.run(space, job, run_id)}>{run_name}</Link> : "A run that is gone"} of{" "}
    {job_name ? <Link href={paths.job(space, job)}>{job_name}</Link> : "a job that is gone"}
  </>
);

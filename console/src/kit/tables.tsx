import { DataTableSkeleton, Table, TableBody, TableCell, TableHead, TableHeader, TableRow } from "@carbon/react";
import type { ReactNode } from "react";
import { Link, useSearchParams } from "wouter";
import { Problem } from "./form";
import { useAddress } from "./address";

export interface Column<T> {
  header: string;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
}

/** The mark of the next page as the routes write it; null on the last. */
type Next = string | { start: string } | { href: string } | null | undefined;
type Page<T> = { results: T[]; next?: Next } | { resources: T[]; next?: Next };

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey?: (row: T) => string;
  next?: string | null;
}

interface ListProps<T> extends Omit<TableProps<T>, "rows" | "next"> {
  of: { data: Page<T> | undefined; error: Error | null };
  problem?: string;
  /** How many rows stand in its place while it is fetched. */
  skeleton?: number;
  empty?: ReactNode;
}

/** A list of the API: what went wrong, its place while it is fetched, what it says when it is empty, or its page. */
export function List<T>({ of: { data, error }, problem, skeleton, empty, ...table }: ListProps<T>) {
  const rows = data && ("results" in data ? data.results : data.resources);
  return (
    <>
      <Problem error={error} title={problem} />
      {skeleton && !data && !error && (
        <div aria-hidden="true">
          <DataTableSkeleton columnCount={table.columns.length} rowCount={skeleton} showHeader={false} showToolbar={false} />
        </div>
      )}
      {rows?.length === 0 && empty}
      {rows && rows.length > 0 && <CursorTable {...table} rows={rows} next={markOf(data?.next)} />}
    </>
  );
}

function markOf(next: Next): string | null {
  if (!next || typeof next === "string") return next ?? null;
  return "start" in next ? next.start : new URL(next.href, location.href).searchParams.get("start");
}

const idOf = (row: unknown) => (row as { id: string }).id;

/** A page of a list, the mark of which is in the address as `start`. On a phone each row is a card. */
export function CursorTable<T>({ label, columns, rows, rowKey = idOf, next = null }: TableProps<T>) {
  const kind = (numeric = false) => (numeric ? "numeric" : "");
  return (
    <>
      <div className="table">
        <Table size="lg" aria-label={label}>
          <TableHead>
            <TableRow>
              {columns.map(({ header, numeric }) => <TableHeader key={header} className={kind(numeric)}>{header}</TableHeader>)}
            </TableRow>
          </TableHead>
          <TableBody>
            {rows.map((row) => (
              <TableRow key={rowKey(row)}>
                {columns.map(({ header, cell, numeric }) => (
                  <TableCell key={header} data-label={header} className={kind(numeric)}>{cell(row)}</TableCell>
                ))}
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </div>
      <Pager next={next} />
    </>
  );
}

function Pager({ next }: { next: string | null }) {
  const [search] = useSearchParams();
  const address = useAddress();
  if (!next && !search.has("start")) return null;
  return (
    <nav className="pager" aria-label="Pages">
      {search.has("start") && <Link href={address({ start: null })}>First page</Link>}
      {next && <Link href={address({ start: next })}>Next page</Link>}
    </nav>
  );
}

interface GridProps {
  label: string;
  name?: string;
  heads: ReactNode[];
  rows: ReactNode[][];
  /** The classes of the columns. */
  looks?: string[];
  /** Whether the first cell of a row is its heading. */
  headed?: boolean;
}

/** Values as they are, row by row; wide ones scroll within themselves, also by keyboard. */
export function Grid({ label, name, heads, rows, looks = [], headed = false }: GridProps) {
  return (
    <div className="sideways" tabIndex={0} role="region" aria-label={label}>
      <table aria-label={name}>
        <thead><tr>{heads.map((head, at) => <th key={at} scope="col" className={looks[at]}>{head}</th>)}</tr></thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, at) => (headed && at === 0 ? <th key={at} scope="row">{cell}</th> : <td key={at} className={looks[at]}>{cell}</td>))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A value of JSON as a cell shows it. */
export const shown = (value: unknown): string =>
  value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);

import { Table, TableBody, TableCell, TableHead, TableHeader, TableRow } from "@carbon/react";
import type { ReactNode } from "react";
import { Link, useSearchParams } from "wouter";
import { useAddress } from "./address";

export interface Column<T> {
  header: string;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
}

interface CursorTableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  /** The mark of the next page; null on the last. */
  next: string | null;
}

/** A page of a list, the mark of which is in the address as `start`. On a phone each row is a card. */
export function CursorTable<T>({ label, columns, rows, rowKey, next }: CursorTableProps<T>) {
  return (
    <>
      <div className="table">
        <Table size="lg" aria-label={label}>
          <TableHead>
            <TableRow>
              {columns.map(({ header, numeric }) => (
                <TableHeader key={header} className={numeric ? "numeric" : ""}>
                  {header}
                </TableHeader>
              ))}
            </TableRow>
          </TableHead>
          <TableBody>
            {rows.map((row) => (
              <TableRow key={rowKey(row)}>
                {columns.map(({ header, cell, numeric }) => (
                  <TableCell key={header} data-label={header} className={numeric ? "numeric" : ""}>
                    {cell(row)}
                  </TableCell>
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

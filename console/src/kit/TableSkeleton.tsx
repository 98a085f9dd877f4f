import { DataTableSkeleton } from "@carbon/react";

/** The place of a table that is being fetched, in its final size; nothing of it is read aloud. */
export function TableSkeleton({ columns, rows }: { columns: number; rows: number }) {
  return (
    <div aria-hidden="true">
      <DataTableSkeleton columnCount={columns} rowCount={rows} showHeader={false} showToolbar={false} />
    </div>
  );
}

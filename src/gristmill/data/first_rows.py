"""The beginning of what is behind a connection, as a file: the first rows of a table, or the first bytes of a file."""

from __future__ import annotations

import itertools
from pathlib import Path

from gristmill.data.source import TableName, Tables

_MOST_TABLES = 1_000
_MOST_BYTES = 64 * 1024**2


def write_table(source: Tables, table: TableName, path: Path, *, rows: int) -> bool:
    """Write the first rows of a table as an Arrow stream, with its columns even where it has no rows.

    Where rows are very large, there are fewer of them; then it returns False.

    Raises:
        DataFailed: the table cannot be read.

    """
    import pyarrow as pa

    # How a row comes is for the driver to say; the schema of a table without rows is asked for.
    batches = source.read(table, limit=rows)
    first = next(iter(batches), None)
    schema = source.schema(table) if first is None else first.schema
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for batch in () if first is None else itertools.chain([first], batches):
            stream.write_batch(batch)
            if file.tell() > _MOST_BYTES:
                return False
    return True


def estimated_rows(source: Tables, table: TableName) -> int | None:
    """Return how many rows the database thinks that a table has, if it tells when it is browsed.

    Raises:
        DataFailed: the database cannot be browsed.

    """
    if table.schema is None:
        return None
    found = source.browse(f"/{table.schema}", limit=_MOST_TABLES)
    return next((entry.rows for entry in found if entry.name == table.table), None)

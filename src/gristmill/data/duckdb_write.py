"""Writing a table of a DuckDB file: rows and the publication's row in one transaction, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from gristmill.data.duckdb_types import Column, declared
from gristmill.data.fitting import check_names, fitted, mismatch, plain_type
from gristmill.data.names import PUBLICATIONS, quoted, shown
from gristmill.data.source import DataFailed, TableName, WriteMode, Written

_INCOMING = "gristmill_incoming"


def write(
    connection: Any,  # noqa: ANN401
    table: TableName,
    batches: Iterable[Any],
    *,
    schema: Any,  # noqa: ANN401
    mode: WriteMode,
    publication: str,
    columns_of: Callable[[], list[Column]],
) -> Written:
    """Write all batches, or nothing. There is one writer at a time; the file is locked.

    Raises:
        DataFailed: a column or value does not fit.
        duckdb.Error: DuckDB refuses.

    """
    target = f"{quoted(str(table.schema))}.{quoted(table.table)}"
    publications = f"{quoted(str(table.schema))}.{quoted(PUBLICATIONS)}"
    connection.execute("BEGIN")
    try:
        before = _before(connection, publications, publication)
        if before is not None:
            return Written(rows=before, before=True)
        columns = _prepared(connection, table, target, schema, columns_of)
        if mode == "truncate":
            connection.execute(f"DELETE FROM {target}")  # noqa: S608 - quoted
        rows = _Insert(columns).run(connection, target, batches)
        values = (publication, table.table, rows, datetime.now(UTC))
        connection.execute(f"INSERT INTO {publications} VALUES (?, ?, ?, ?)", values)  # noqa: S608
        connection.execute("COMMIT")
        return Written(rows=rows)
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _before(connection: Any, publications: str, publication: str) -> int | None:  # noqa: ANN401
    """Return how many rows the publication had, None if it was not there."""
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {publications} (publication VARCHAR PRIMARY KEY, table_name VARCHAR NOT NULL, "
        "rows BIGINT NOT NULL, written_at TIMESTAMP WITH TIME ZONE NOT NULL)"
    )
    there = f"SELECT rows FROM {publications} WHERE publication = ?"  # noqa: S608
    found = connection.execute(there, (publication,)).fetchone()
    return int(found[0]) if found else None


def _prepared(
    connection: Any,  # noqa: ANN401
    table: TableName,
    target: str,
    schema: Any,  # noqa: ANN401
    columns_of: Callable[[], list[Column]],
) -> list[Column]:
    """Make the table if it is missing, and return its columns that are written, in the order of the batches."""
    check_names(schema.names, schema.names, table=shown(table))
    if not (there := columns_of()):
        lines = ", ".join(f"{quoted(field.name)} {declared(plain_type(field.type))}" for field in schema)
        connection.execute(f"CREATE TABLE {target} ({lines})")
        there = columns_of()
    # Names of columns have no case there.
    by_name = {column.name.lower(): column for column in there}
    check_names([name.lower() for name in schema.names], by_name, table=shown(table))
    return [by_name[name.lower()] for name in schema.names]


class _Insert:
    """One INSERT of a stream of batches, which remembers what the stream raised: DuckDB tells it as a text."""

    def __init__(self, columns: list[Column]) -> None:
        self._columns = columns
        self._schema = pa.schema([(column.name, column.kind) for column in columns])
        self._failure: BaseException | None = None
        self._rows = 0

    def run(self, connection: Any, target: str, batches: Iterable[Any]) -> int:  # noqa: ANN401
        names = ", ".join(quoted(column.name) for column in self._columns)
        reader = pa.RecordBatchReader.from_batches(self._schema, self._fitted(batches))
        connection.register(_INCOMING, reader)
        try:
            connection.execute(f"INSERT INTO {target} ({names}) SELECT {names} FROM {_INCOMING}")  # noqa: S608
        except duckdb.ConversionException as error:
            raise self._named(error) from None
        except duckdb.Error:
            if self._failure:
                raise self._failure from None
            raise
        return self._rows

    def _fitted(self, batches: Iterable[Any]) -> Iterator[Any]:
        try:
            for batch in batches:
                self._rows += batch.num_rows
                yield fitted(batch, self._schema)
        except BaseException as error:
            self._failure = error
            raise

    def _named(self, error: duckdb.Error) -> DataFailed:
        """Name the columns that DuckDB converted from text: it tells the value alone."""
        names = [column.name for column in self._columns if column.kind == pa.string() and column.type != "VARCHAR"]
        return mismatch(", ".join(names), str(error).strip().splitlines()[0].rstrip("."))

"""Writing a table of PostgreSQL: rows and the publication's row in one transaction, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from gristmill.data.fitting import check_names, fitted, plain_type
from gristmill.data.names import PUBLICATIONS, checked_length, quoted, shown
from gristmill.data.postgresql_types import Column, declared
from gristmill.data.source import DataFailed, TableName, WriteMode, Written

_LOCK_SECONDS = 60
_NAME_BYTES = 63
_STAGED = "gristmill_staged"


def write(
    connection: Any,  # noqa: ANN401
    table: TableName,
    batches: Iterable[Any],
    *,
    schema: Any,  # noqa: ANN401
    mode: WriteMode,
    publication: str,
    columns_of: Callable[[Any], list[Column]],
) -> Written:
    """Write all batches, or nothing. A second writer of the same publication waits for the first one's end.

    Raises:
        DataFailed: a column or value does not fit.
        adbc_driver_manager.Error: PostgreSQL refuses.

    """
    publications = f"{quoted(str(table.schema))}.{quoted(PUBLICATIONS)}"
    with closing(connection.cursor()) as cursor:
        try:
            _make_publications(connection, cursor, table, publications)
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            before = _note(cursor, publications, table, publication)
            if before is None:
                rows = _Writing(cursor, table, schema, columns_of).write(batches, mode)
                cursor.execute(f"UPDATE {publications} SET rows = $1 WHERE publication = $2", (rows, publication))  # noqa: S608
                connection.commit()
                return Written(rows=rows)
            return Written(rows=before, before=True)
        finally:
            connection.rollback()


def _make_publications(connection: Any, cursor: Any, table: TableName, publications: str) -> None:  # noqa: ANN401
    """Make the table of publications where it is missing, before the transaction: two writers may want to at once."""
    cursor.execute("SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2", (table.schema, PUBLICATIONS))
    if cursor.fetchone() is None:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext($1))", (PUBLICATIONS,))
        cursor.fetchall()
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {publications} (publication text PRIMARY KEY, table_name text NOT NULL, "
            "rows bigint NOT NULL, written_at timestamptz NOT NULL)"
        )
    connection.commit()


def _note(cursor: Any, publications: str, table: TableName, publication: str) -> int | None:  # noqa: ANN401
    """Insert the publication; return how many rows it had if it is there already."""
    cursor.execute(
        f"INSERT INTO {publications} VALUES ($1, $2, 0, $3) ON CONFLICT DO NOTHING RETURNING rows",  # noqa: S608
        (publication, table.table, datetime.now(UTC)),
    )
    if cursor.fetchall():
        return None
    cursor.execute(f"SELECT rows FROM {publications} WHERE publication = $1", (publication,))  # noqa: S608
    return int(cursor.fetchone()[0])


class _Writing:
    """One write, within its transaction."""

    def __init__(self, cursor: Any, table: TableName, schema: Any, columns_of: Callable[[Any], list[Column]]) -> None:  # noqa: ANN401
        self._cursor = cursor
        self._table = table
        self._target = f"{quoted(str(table.schema))}.{quoted(table.table)}"
        self._names = list(schema.names)
        self._columns = self._prepared(schema, columns_of)
        self._failure: BaseException | None = None
        self._rows = 0

    def _prepared(self, schema: Any, columns_of: Callable[[Any], list[Column]]) -> list[Column]:  # noqa: ANN401
        """Make the table if it is missing, and return its columns that are written, in the order of the batches."""
        check_names(self._names, self._names, table=shown(self._table))
        if not (there := columns_of(self._cursor)):
            checked_length(self._table.table, _NAME_BYTES)
            lines = [
                f"{quoted(checked_length(field.name, _NAME_BYTES))} {declared(plain_type(field.type))}"
                for field in schema
            ]
            self._cursor.execute(f"CREATE TABLE {self._target} ({', '.join(lines)})")
            there = columns_of(self._cursor)
        by_name = {column.name: column for column in there}
        check_names(self._names, by_name, table=shown(self._table))
        return [by_name[name] for name in self._names]

    def write(self, batches: Iterable[Any], mode: WriteMode) -> int:
        if mode == "truncate":
            # Not TRUNCATE: it holds readers up, and lets older snapshots see an empty table. The lock keeps out
            # other writers.
            self._cursor.execute(f"LOCK TABLE {self._target} IN SHARE ROW EXCLUSIVE MODE")
            self._cursor.execute(f"DELETE FROM {self._target}")  # noqa: S608
        converted = [column for column in self._columns if column.written_as[1]]
        if converted:
            self._through_staged(batches, converted)
        else:
            self._copy(batches, self._table.table, db_schema_name=self._table.schema)
        return self._rows

    def _through_staged(self, batches: Iterable[Any], converted: list[Column]) -> None:
        """Copy into a table of texts first: COPY in binary takes exactly the column's type, INSERT converts."""
        kinds = [(column, declared(column.written_as[0])) for column in self._columns]
        lines = ", ".join(f"{quoted(column.name)} {kind}" for column, kind in kinds)
        self._cursor.execute(f"CREATE TEMPORARY TABLE {_STAGED} ({lines}) ON COMMIT DROP")
        self._copy(batches, _STAGED, temporary=True)
        names = ", ".join(quoted(column.name) for column in self._columns)
        values = ", ".join(f"CAST({quoted(column.name)} AS {column.declared})" for column in self._columns)
        try:
            self._cursor.execute(f"INSERT INTO {self._target} ({names}) SELECT {values} FROM {_STAGED}")  # noqa: S608
        except Exception as error:
            raise _named(error, converted) from error

    def _copy(self, batches: Iterable[Any], table: str, **where: Any) -> None:  # noqa: ANN401
        schema = pa.schema([(column.name, column.written_as[0]) for column in self._columns])
        reader = pa.RecordBatchReader.from_batches(schema, self._fitted(batches, schema))
        try:
            self._cursor.adbc_ingest(table, reader, mode="append", **where)
        except Exception:
            # What the batches raise comes through the driver as a text.
            if self._failure:
                raise self._failure from None
            raise

    def _fitted(self, batches: Iterable[Any], schema: Any) -> Iterator[Any]:  # noqa: ANN401
        try:
            for batch in batches:
                self._rows += batch.num_rows
                yield fitted(batch, schema)
        except BaseException as error:
            self._failure = error
            raise


def _named(error: Exception, converted: list[Column]) -> Exception:
    """Name the columns that were converted: PostgreSQL tells the value alone."""
    state = getattr(error, "sqlstate", None) or ""
    if not state.startswith("22"):
        return error
    names = ", ".join(repr(column.name) for column in converted)
    said = str(error).partition("ERROR:")[2].strip().splitlines() or [str(error)]
    return DataFailed("data_mismatch", f"Column {names}: {said[0]}.", field=converted[0].name)

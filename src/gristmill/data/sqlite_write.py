"""Writing a table of a SQLite file: rows and the publication's row in one transaction, once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from gristmill.data.fitting import as_json, check_names, fitted, plain, plain_type
from gristmill.data.names import PUBLICATIONS, quoted
from gristmill.data.source import WriteMode, Written
from gristmill.data.sqlite_types import Column, declared

_ROWS_AT_ONCE = 10_000


def write(
    connection: sqlite3.Connection,
    table: str,
    batches: Iterable[Any],
    *,
    schema: Any,  # noqa: ANN401
    mode: WriteMode,
    publication: str,
    columns_of: Callable[[], list[Column]],
) -> Written:
    """Write all batches, or nothing. There is one writer at a time; others wait.

    Raises:
        DataFailed: a column or value does not fit.
        sqlite3.Error: SQLite refuses.

    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = _note(connection, table, publication)
        if before is not None:
            return Written(rows=before, before=True)
        columns = _prepared(connection, table, schema, columns_of)
        if mode == "truncate":
            connection.execute(f"DELETE FROM main.{quoted(table)}")  # noqa: S608 - quoted
        rows = _insert(connection, table, columns, batches)
        connection.execute(f"UPDATE main.{PUBLICATIONS} SET rows = ? WHERE publication = ?", (rows, publication))  # noqa: S608
        connection.execute("COMMIT")
        return Written(rows=rows)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _note(connection: sqlite3.Connection, table: str, publication: str) -> int | None:
    """Insert the publication; return how many rows it had if it is there already."""
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS main.{PUBLICATIONS} (publication TEXT PRIMARY KEY NOT NULL, "
        "table_name TEXT NOT NULL, rows INTEGER NOT NULL, written_at TEXT NOT NULL)"
    )
    there = f"SELECT rows FROM main.{PUBLICATIONS} WHERE publication = ?"  # noqa: S608
    if found := connection.execute(there, (publication,)).fetchone():
        return int(found[0])
    values = (publication, table, datetime.now(UTC).isoformat())
    connection.execute(f"INSERT INTO main.{PUBLICATIONS} VALUES (?, ?, 0, ?)", values)  # noqa: S608
    return None


def _prepared(
    connection: sqlite3.Connection,
    table: str,
    schema: Any,  # noqa: ANN401
    columns_of: Callable[[], list[Column]],
) -> list[Column]:
    """Make the table if it is missing, and return its columns that are written, in the order of the batches."""
    check_names(schema.names, schema.names, table=table)
    if not (there := columns_of()):
        lines = (f"{quoted(field.name)} {declared(plain_type(field.type))}" for field in schema)
        connection.execute(f"CREATE TABLE main.{quoted(table)} ({', '.join(lines)})")
        there = columns_of()
    # Names of columns have no case there.
    by_name = {column.name.lower(): column for column in there}
    check_names([name.lower() for name in schema.names], by_name, table=table)
    return [by_name[name.lower()] for name in schema.names]


def _insert(connection: sqlite3.Connection, table: str, columns: list[Column], batches: Iterable[Any]) -> int:
    names = ", ".join(quoted(column.name) for column in columns)
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO main.{quoted(table)} ({names}) VALUES ({places})"  # noqa: S608 - quoted
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            connection.executemany(statement, _rows(batch.slice(start, _ROWS_AT_ONCE), columns))
    return rows


def _rows(batch: Any, columns: list[Column]) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    arrays = [plain(array) for array in batch.columns]
    # A column without a declared type takes what comes.
    schema = pa.schema(
        [(column.name, _kind(column, array.type)) for column, array in zip(columns, arrays, strict=True)]
    )
    matched = fitted(pa.RecordBatch.from_arrays(arrays, names=schema.names), schema)
    return zip(*(_values(column) for column in matched.columns), strict=True)


def _kind(column: Column, given: Any) -> Any:  # noqa: ANN401
    return given if column.kind is None else column.kind


def _values(column: Any) -> list[Any]:  # noqa: ANN401
    """Return a column as values that SQLite has: days and moments as ISO 8601, decimals and what is nested as texts."""
    if pa.types.is_timestamp(column.type):
        return [None if value is None else value.isoformat(" ") for value in column.to_pylist()]
    if pa.types.is_nested(column.type):
        return as_json(column).to_pylist()  # type: ignore[no-any-return]
    native = pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_binary(column.type)
    if native or pa.types.is_boolean(column.type):
        return column.to_pylist()  # type: ignore[no-any-return]
    return column.cast(pa.string()).to_pylist()  # type: ignore[no-any-return]

"""Tables of SQLite files, in folders that the administrator permitted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import pyarrow as pa

from gristmill.data import sqlite_write
from gristmill.data.names import quoted, schema_entry, shown, split_path, table_entry
from gristmill.data.places import Places
from gristmill.data.properties import Properties
from gristmill.data.source import DataFailed, Entry, TableName, WriteMode, Written
from gristmill.data.sqlite_errors import telling
from gristmill.data.sqlite_types import Column, Seen

# How long one waits for another writer.
BUSY_SECONDS = 30
_SCHEMA = "main"
_BATCH_ROWS = 8_192
_BATCH_CELLS = 500_000
_AGGREGATES_AT_ONCE = 1_000
_TABLES = """SELECT name, type = 'view' FROM sqlite_schema WHERE type IN ('table', 'view')
    AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name LIMIT ? OFFSET ?"""


def connect(properties: Properties, places: Places) -> Sqlite:
    """Open a database file, which has to be there.

    Raises:
        DataFailed: the path is not permitted, or there is no database.

    """
    path = places.permitted(properties.required("path"), field="properties.path")
    if not path.is_file():
        raise DataFailed("data_not_found", f"properties.path: there is no file {path}.", field="properties.path")
    return Sqlite(path)


class Sqlite:
    """An open database file. Its one schema is ``main``."""

    def __init__(self, path: Path) -> None:
        what = f"The SQLite database {path}"
        with telling(what):
            # Not mode=ro, which cannot clean up after a writer that was killed.
            self._connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode=rw",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            with telling(what):
                # What the file defines may call no function that reaches beyond it; nothing is written by reading.
                self._connection.execute("PRAGMA trusted_schema = OFF")
                self._connection.execute("PRAGMA query_only = ON")
                self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        except DataFailed:
            self._connection.close()
            raise
        self._connection.text_factory = lambda value: value.decode("utf-8", "replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def test(self) -> None:
        """Read the catalogue."""
        with self._snapshot("The database"):
            self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:
        """Return the one schema, or its tables and views; how many rows they have only counting would tell."""
        parts = split_path(path)
        if not parts:
            return [schema_entry(_SCHEMA)][offset : offset + limit]
        _check_schema(parts[0])
        with self._snapshot("The database"):
            found = self._connection.execute(_TABLES, (limit, offset)).fetchall()
        return [table_entry(_SCHEMA, name, view=bool(view), rows=None) for name, view in found]

    def schema(self, table: TableName) -> Any:  # noqa: ANN401
        """Return a table's columns and the types that hold all of their values, which are looked through for that."""
        with self._snapshot(f"Table {shown(table)}"):
            return self._seen(table, self._source(table, None))

    def read(self, table: TableName, *, limit: int | None = None) -> Iterator[Any]:
        """Yield a table's rows from one snapshot."""
        with self._snapshot(f"Table {shown(table)}"):
            source = self._source(table, limit)
            schema = self._seen(table, source)
            rows_at_once = max(1, min(_BATCH_ROWS, _BATCH_CELLS // len(schema)))
            cursor = self._connection.execute(f"SELECT * FROM {source}")  # noqa: S608 - the name is quoted
            try:
                while rows := cursor.fetchmany(rows_at_once):
                    yield _batch(rows, schema)
            finally:
                cursor.close()

    def write(
        self,
        table: TableName,
        batches: Iterable[Any],
        *,
        schema: Any,  # noqa: ANN401
        mode: WriteMode,
        publication: str,
    ) -> Written:
        """Write in one transaction with the publication's row, see ``sqlite_write``."""
        _check_schema(table.schema)
        with telling(f"Table {shown(table)}"):
            self._connection.execute("PRAGMA query_only = OFF")
            try:
                return sqlite_write.write(
                    self._connection,
                    table.table,
                    batches,
                    schema=schema,
                    mode=mode,
                    publication=publication,
                    columns_of=lambda: self._columns(table),
                )
            finally:
                self._connection.execute("PRAGMA query_only = ON")

    @contextmanager
    def _snapshot(self, what: str) -> Iterator[None]:
        with telling(what):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _columns(self, table: TableName) -> list[Column]:
        found = self._connection.execute("SELECT name, type FROM pragma_table_info(?, 'main')", (table.table,))
        return [Column(name=name, declared=declared or "") for name, declared in found]

    def _source(self, table: TableName, limit: int | None) -> str:
        _check_schema(table.schema)
        name = f"{_SCHEMA}.{quoted(table.table)}"
        return name if limit is None else f"(SELECT * FROM {name} LIMIT {int(limit)})"  # noqa: S608

    def _seen(self, table: TableName, source: str) -> Any:  # noqa: ANN401
        columns = self._columns(table)
        if not columns:
            raise DataFailed("data_not_found", f"There is no table {table.table}.", field="table_name")
        kinds: list[Any] = []
        for start in range(0, len(columns), _AGGREGATES_AT_ONCE // 5):
            part = columns[start : start + _AGGREGATES_AT_ONCE // 5]
            aggregates = ", ".join(column.to_be_seen for column in part)
            found = self._connection.execute(f"SELECT {aggregates} FROM {source}").fetchone()  # noqa: S608
            kinds += [column.read_as(_seen(found[5 * at : 5 * at + 5])) for at, column in enumerate(part)]
        return pa.schema([(column.name, kind) for column, kind in zip(columns, kinds, strict=True)])


def _seen(found: tuple[int | None, ...]) -> Seen:
    integers, reals, texts, blobs = (bool(value) for value in found[:4])
    # Of no rows at all nothing is known: they fit.
    return Seen(integers=integers, reals=reals, texts=texts, blobs=blobs, fit=found[4] != 0)


def _check_schema(name: str | None) -> None:
    if name not in {None, "", _SCHEMA}:
        raise DataFailed(
            "data_not_found", f"There is no schema {name}; SQLite's one is {_SCHEMA}.", field="schema_name"
        )


def _batch(rows: list[tuple[Any, ...]], schema: Any) -> Any:  # noqa: ANN401
    columns = [_column(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(values: tuple[Any, ...], kind: Any) -> Any:  # noqa: ANN401
    if pa.types.is_string(kind):
        return pa.array([_text(value) for value in values], kind)
    if pa.types.is_temporal(kind):
        return pa.array(values, pa.string()).cast(kind)
    if pa.types.is_boolean(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)


def _text(value: Any) -> str | None:  # noqa: ANN401
    if value is None or isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

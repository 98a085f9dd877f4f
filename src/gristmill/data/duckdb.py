"""Tables of DuckDB files, in folders that the administrator permitted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from gristmill.data import duckdb_write
from gristmill.data.duckdb_errors import telling
from gristmill.data.duckdb_types import Column
from gristmill.data.names import quoted, schema_entry, shown, split_path, table_entry
from gristmill.data.places import Places
from gristmill.data.properties import Properties
from gristmill.data.source import DataFailed, Entry, TableName, WriteMode, Written

# How long one waits while others have the file open.
BUSY_SECONDS = 30
_POLL_SECONDS = 0.1
# What it says of a file that is open in another way, in this process or in another one.
_HELD = ("different configuration", "Could not set lock", "Unique file handle conflict")
_SCHEMA = "main"
_BATCH_ROWS = 65_536
_BATCH_CELLS = 1_000_000
# Views of a file may name any other file or address: what they reach is the file alone.
_SHUT_IN: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "512MB",
    "threads": "2",
    "lock_configuration": "true",
}
_SCHEMAS = """SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal
    OR database_name = current_database() AND schema_name = 'main' ORDER BY schema_name LIMIT ? OFFSET ?"""
_TABLES = """SELECT table_name, false, estimated_size FROM duckdb_tables() WHERE database_name = current_database()
    AND schema_name = $1 UNION ALL SELECT view_name, true, NULL FROM duckdb_views()
    WHERE database_name = current_database() AND schema_name = $1 AND NOT internal ORDER BY 1 LIMIT $2 OFFSET $3"""
_COLUMNS = """SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database()
    AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?) ORDER BY column_index"""


def connect(properties: Properties, places: Places) -> Duckdb:
    """Open a database file, which has to be there.

    Raises:
        DataFailed: the path is not permitted, there is no database, or others hold it.

    """
    path = places.permitted(properties.required("path"), field="properties.path")
    if not path.is_file():
        raise DataFailed("data_not_found", f"properties.path: there is no file {path}.", field="properties.path")
    return Duckdb(path)


class Duckdb:
    """An open database file: many may read it, or one may write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: Any = _opened(path, read_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def test(self) -> None:
        """Ask for one row."""
        with self._snapshot("The database"):
            self._rows("SELECT 1")

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:
        """Return schemas, or the tables and views of one."""
        parts = split_path(path)
        with self._snapshot("The database"):
            if not parts:
                return [schema_entry(name) for (name,) in self._rows(_SCHEMAS, limit, offset)]
            self._check_schema(parts[0])
            found = self._rows(_TABLES, parts[0], limit, offset)
        return [table_entry(parts[0], name, view=view, rows=rows) for name, view, rows in found]

    def schema(self, table: TableName) -> Any:  # noqa: ANN401
        """Return a table's columns and types."""
        with self._snapshot(f"Table {shown(table)}"):
            return _schema(self._there(table))

    def read(self, table: TableName, *, limit: int | None = None) -> Iterator[Any]:
        """Yield a table's rows from one snapshot."""
        with self._snapshot(f"Table {shown(table)}"):
            columns = self._there(table)
            schema = _schema(columns)
            wanted = ", ".join(f"{column.selected} AS {quoted(column.name)}" for column in columns)
            last = "" if limit is None else f" LIMIT {int(limit)}"
            rows_at_once = max(1, min(_BATCH_ROWS, _BATCH_CELLS // len(columns)))
            relation = self._connection.sql(f"SELECT {wanted} FROM {_name(table)}{last}")  # noqa: S608 - quoted
            for batch in relation.to_arrow_reader(rows_at_once):
                yield pa.RecordBatch.from_arrays(
                    [column.cast(field.type) for column, field in zip(batch.columns, schema, strict=True)],
                    schema=schema,
                )

    def write(
        self,
        table: TableName,
        batches: Iterable[Any],
        *,
        schema: Any,  # noqa: ANN401
        mode: WriteMode,
        publication: str,
    ) -> Written:
        """Write in one transaction with the publication's row, see ``duckdb_write``."""
        with telling(f"Table {shown(table)}"):
            self._connection.close()
            try:
                self._connection = _opened(self._path, read_only=False)
                self._check_schema(table.schema or _SCHEMA)
                return duckdb_write.write(
                    self._connection,
                    TableName(schema=table.schema or _SCHEMA, table=table.table),
                    batches,
                    schema=schema,
                    mode=mode,
                    publication=publication,
                    columns_of=lambda: self._columns(table),
                )
            finally:
                self._connection.close()
                self._connection = _opened(self._path, read_only=True)

    @contextmanager
    def _snapshot(self, what: str) -> Iterator[None]:
        with telling(what):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
        return self._connection.execute(statement, values).fetchall()  # type: ignore[no-any-return]

    def _columns(self, table: TableName) -> list[Column]:
        found = self._rows(_COLUMNS, table.schema or _SCHEMA, table.table)
        return [Column(name=name, type=kind) for name, kind in found]

    def _there(self, table: TableName) -> list[Column]:
        columns = self._columns(table)
        if not columns:
            self._check_schema(table.schema or _SCHEMA)
            raise DataFailed("data_not_found", f"There is no table {shown(table)}.", field="table_name")
        return columns

    def _check_schema(self, name: str) -> None:
        there = (
            "SELECT 1 FROM duckdb_schemas() WHERE database_name = current_database() AND lower(schema_name) = lower(?)"
        )
        if not self._rows(there, name):
            raise DataFailed("data_not_found", f"There is no schema {name}.", field="schema_name")


def _opened(path: Path, *, read_only: bool) -> Any:  # noqa: ANN401
    """Open the file as soon as nobody holds it in another way, in this process or in others."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=_SHUT_IN)
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
            held = any(part in said for part in _HELD)
            if not held:
                code = "data_unreachable" if isinstance(error, duckdb.IOException) else "data_invalid"
                raise DataFailed(code, f"The DuckDB database {path}: {said}.", field="properties.path") from None
            if time.monotonic() > deadline:
                raise DataFailed("data_unreachable", f"The DuckDB database {path}: others hold it open.") from None
        time.sleep(_POLL_SECONDS)


def _name(table: TableName) -> str:
    return f"{quoted(table.schema or _SCHEMA)}.{quoted(table.table)}"


def _schema(columns: list[Column]) -> Any:  # noqa: ANN401
    return pa.schema([(column.name, column.kind) for column in columns])

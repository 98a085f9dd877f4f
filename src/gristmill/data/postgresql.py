"""Tables of PostgreSQL, over ADBC: rows stream as Arrow out of COPY, and into it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_manager import Error

from gristmill.data import postgresql_write, server_address
from gristmill.data.authority import trusting
from gristmill.data.fitting import plain
from gristmill.data.names import quoted, schema_entry, shown, split_path, table_entry
from gristmill.data.places import Places
from gristmill.data.postgresql_errors import not_connected, telling
from gristmill.data.postgresql_types import Column
from gristmill.data.properties import Properties, invalid
from gristmill.data.source import DataFailed, Entry, TableName, WriteMode, Written

CONNECT_SECONDS = 10
_NOWHERE = f"{os.devnull}/none"
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SCHEMAS = """SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND has_schema_privilege(oid, 'USAGE') ORDER BY nspname COLLATE "C" OFFSET $1 LIMIT $2"""
_TABLES = """SELECT c.relname, c.relkind IN ('v', 'm'), c.reltuples::int8 FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    ORDER BY c.relname COLLATE "C" OFFSET $2 LIMIT $3"""
# A numeric's modifier holds its precision and scale; the scale has eleven bits and a sign.
_COLUMNS = """SELECT a.attname, coalesce(b.typname, t.typname), e.typname,
        CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, format_type(a.atttypid, a.atttypmod)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'
    LEFT JOIN pg_type e ON e.oid = coalesce(b.typelem, t.typelem) AND coalesce(b.typcategory, t.typcategory) = 'A'
    WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


def connect(properties: Properties, places: Places) -> Postgresql:
    """Open a connection.

    Raises:
        DataFailed: a property does not fit, or the database cannot be reached with them.

    """
    with ExitStack() as stack:
        options, where = _options(properties, places, stack)
        # Nothing of the server's own is lent to a connection: no password file, no Kerberos ticket, no key.
        own = {"passfile": _NOWHERE, "gssencmode": "disable", "application_name": "gristmill"}
        uri = f"postgresql:///?{urlencode({**options, **own}, quote_via=quote)}"
        try:
            return Postgresql(adbc.connect(uri), schema=properties.text("schema"))
        except Error as error:
            raise not_connected(error, where) from None


def _options(properties: Properties, places: Places, stack: ExitStack) -> tuple[dict[str, str], str]:
    host = properties.required("host")
    port = properties.integer("port", 5432, least=1, most=65535)
    options = {
        "port": str(port),
        "dbname": properties.required("database"),
        "user": properties.required("username"),
        "connect_timeout": str(CONNECT_SECONDS),
        "keepalives_idle": "60",
        **_tls(properties, stack),
    }
    password = properties.text("password")
    if password:
        options["password"] = password
    return {**options, **_address(host, port, places)}, f"{host}:{port}"


def _address(host: str, port: int, places: Places) -> dict[str, str]:
    if host.startswith(("/", "@")):
        # A socket may let the server's own user in without a password; libpq takes several, with commas.
        if "," in host:
            raise invalid("host", "it is one path")
        return {"host": str(places.permitted(host, field="properties.host"))}
    found = server_address.checked(host, port, places)
    # The name is for TLS; libpq connects to the addresses, and looks nothing up.
    return {"host": ",".join([host] * len(found)), "hostaddr": ",".join(found)}


def _tls(properties: Properties, stack: ExitStack) -> dict[str, str]:
    certificate, given = properties.text("ssl_certificate"), properties.text("sslmode")
    if given and given not in _MODES:
        raise invalid("sslmode", f"{given!r} is none of {', '.join(_MODES)}")
    checked = properties.boolean("ssl_certificate_validation")
    strict = bool(certificate) if checked is None else checked
    mode = given or (("verify-full" if strict else "require") if properties.boolean("ssl") else "prefer")
    trusting(certificate)
    if not certificate or (checked is False and not given):
        # Where there is a certificate, libpq takes "require" for a wish to check by it.
        return {"sslmode": mode, "sslrootcert": "system" if mode == "verify-full" else _NOWHERE}
    file = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".pem"))  # noqa: SIM115
    file.write(certificate)
    file.flush()
    return {"sslmode": mode, "sslrootcert": file.name}


class Postgresql:
    """An open connection to a database."""

    def __init__(self, connection: Any, *, schema: str | None) -> None:  # noqa: ANN401 - untyped
        self._connection = connection
        self._schema = schema

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def test(self) -> None:
        """Ask for one row."""
        with self._snapshot("The database") as cursor:
            _rows(cursor, "SELECT 1")

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:
        """Return schemas, or the tables and views of one with the rows that statistics know of."""
        parts = split_path(path)
        with self._snapshot("The database") as cursor:
            if not parts:
                return [schema_entry(name) for (name,) in _rows(cursor, _SCHEMAS, offset, limit)]
            _check_schema(cursor, parts[0])
            return [
                table_entry(parts[0], name, view=view, rows=rows if rows >= 0 else None)
                for name, view, rows in _rows(cursor, _TABLES, parts[0], offset, limit)
            ]

    def schema(self, table: TableName) -> Any:  # noqa: ANN401
        """Return a table's columns and types as they are read; numerics without precision are looked through."""
        with self._snapshot(f"Table {shown(table)}") as cursor:
            return self._selection(cursor, table, limit=None)[1]

    def read(self, table: TableName, *, limit: int | None = None) -> Iterator[Any]:
        """Yield a table's rows from one snapshot, about 16 MB at a time."""
        with self._snapshot(f"Table {shown(table)}") as cursor:
            # So that rows come in the same order each time: another attempt at a run can go on from the last one.
            cursor.execute("SET LOCAL synchronize_seqscans = off")
            if limit is not None:
                cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            statement, schema = self._selection(cursor, table, limit=limit)
            cursor.execute(statement)
            for batch in cursor.fetch_record_batch():
                yield _typed(batch, schema)

    def write(
        self,
        table: TableName,
        batches: Iterable[Any],
        *,
        schema: Any,  # noqa: ANN401
        mode: WriteMode,
        publication: str,
    ) -> Written:
        """Write in one transaction with the publication's row, see ``postgresql_write``."""
        with self._snapshot("The database") as cursor:
            target = TableName(schema=self._schema_of(cursor, table), table=table.table)
            _check_schema(cursor, str(target.schema))
        with telling(f"Table {shown(target)}"):
            return postgresql_write.write(
                self._connection,
                target,
                batches,
                schema=schema,
                mode=mode,
                publication=publication,
                columns_of=lambda cursor: _columns(cursor, target),
            )

    @contextmanager
    def _snapshot(self, what: str) -> Iterator[Any]:
        with telling(what), closing(self._connection.cursor()) as cursor:
            try:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                yield cursor
            finally:
                self._connection.rollback()

    def _schema_of(self, cursor: Any, table: TableName) -> str:  # noqa: ANN401
        if given := table.schema or self._schema:
            return given
        return _rows(cursor, "SELECT coalesce(current_schema(), 'public')")[0][0]  # type: ignore[no-any-return]

    def _selection(self, cursor: Any, table: TableName, *, limit: int | None) -> tuple[str, Any]:  # noqa: ANN401
        """Return the statement that reads a table, and the schema of what it gives."""
        target = TableName(schema=self._schema_of(cursor, table), table=table.table)
        columns = _columns(cursor, target)
        if not columns:
            _check_schema(cursor, str(target.schema))
            raise DataFailed("data_not_found", f"There is no table {shown(target)}.", field="table_name")
        source = f"{quoted(str(target.schema))}.{quoted(target.table)}"
        if limit is not None:
            source = f"(SELECT * FROM {source} LIMIT {int(limit)}) AS t"  # noqa: S608 - quoted
        seen = _seen(cursor, source, columns)
        chosen = [(column.name, *column.read_as(seen.get(column.name, (None, None)))) for column in columns]
        selected = ", ".join(f"{expression} AS {quoted(name)}" for name, expression, _ in chosen)
        schema = pa.schema([(name, kind) for name, _, kind in chosen])
        return f"SELECT {selected} FROM {source}", schema  # noqa: S608


def _seen(cursor: Any, source: str, columns: list[Column]) -> dict[str, tuple[int | None, int | None]]:  # noqa: ANN401
    asked = [column for column in columns if column.to_be_seen]
    if not asked:
        return {}
    found = _rows(cursor, f"SELECT {', '.join(str(column.to_be_seen) for column in asked)} FROM {source}")[0]  # noqa: S608
    return {column.name: (found[2 * at], found[2 * at + 1]) for at, column in enumerate(asked)}


def _columns(cursor: Any, table: TableName) -> list[Column]:  # noqa: ANN401
    return [
        Column(name=name, type=kind, element=element, digits=_digits(kind, modifier), declared=declared)
        for name, kind, element, modifier, declared in _rows(cursor, _COLUMNS, table.schema, table.table)
    ]


def _digits(kind: str, modifier: int) -> tuple[int, int] | None:
    if kind != "numeric" or modifier < 4:
        return None
    scale = (modifier - 4) & 0x7FF
    return ((modifier - 4) >> 16) & 0xFFFF, (scale ^ 1024) - 1024


def _check_schema(cursor: Any, name: str) -> None:  # noqa: ANN401
    if not _rows(cursor, "SELECT 1 FROM pg_namespace WHERE nspname = $1", name):
        raise DataFailed("data_not_found", f"There is no schema {name}.", field="schema_name")


def _rows(cursor: Any, statement: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
    cursor.execute(statement, values or None)
    return list(cursor.fetchall())


def _typed(batch: Any, schema: Any) -> Any:  # noqa: ANN401
    columns = [plain(column).cast(field.type) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)

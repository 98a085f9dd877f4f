"""Tables of MariaDB and MySQL: rows come unbuffered and become Arrow a batch at a time; one transaction writes them."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pymysql
from pymysql.constants.CR import CR_CONN_HOST_ERROR
from pymysql.cursors import SSCursor

from gristmill.data import mariadb_write, server_address
from gristmill.data.authority import trusting
from gristmill.data.mariadb_errors import not_connected, telling
from gristmill.data.mariadb_types import Column
from gristmill.data.names import quoted, schema_entry, shown, split_path, table_entry
from gristmill.data.places import Places
from gristmill.data.properties import Properties
from gristmill.data.source import DataFailed, Entry, TableName, WriteMode, Written

CONNECT_SECONDS = 10
# A server that stalls for so long within a query is given up.
_SILENT_SECONDS = 1800
_BATCH_ROWS = 8_192
_BATCH_CELLS = 500_000
_SCHEMAS = """SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN
    ('information_schema', 'performance_schema', 'mysql', 'sys') ORDER BY BINARY schema_name LIMIT %s OFFSET %s"""
_TABLES = """SELECT table_name, table_type LIKE '%%VIEW', table_rows FROM information_schema.tables
    WHERE table_schema = %s ORDER BY BINARY table_name LIMIT %s OFFSET %s"""
_COLUMNS = """SELECT column_name, data_type, column_type, numeric_precision, numeric_scale
    FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"""


def connect(properties: Properties, places: Places) -> Mariadb:
    """Open a connection.

    Raises:
        DataFailed: a property does not fit, or the database cannot be reached with them.

    """
    host = properties.required("host")
    port = properties.integer("port", 3306, least=1, most=65535)
    # A path is a socket, which may let the server's own user in without a password.
    path = str(places.permitted(host, field="properties.host")) if host.startswith("/") else None
    connection = pymysql.connect(
        host="localhost" if path else host,
        port=port,
        unix_socket=path,
        user=properties.required("username"),
        password=properties.text("password") or "",
        database=properties.required("database"),
        charset="utf8mb4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=_SILENT_SECONDS,
        write_timeout=_SILENT_SECONDS,
        ssl=_tls(properties),
        # With it a server may ask for any file of this machine.
        local_infile=False,
        init_command="SET time_zone = '+00:00'",
        autocommit=False,
        defer_connect=True,
    )
    addresses = [] if path else server_address.checked(host, port, places)
    try:
        connection.connect(None if path else _reached(addresses, port))
    except pymysql.Error as error:
        raise not_connected(error, host if path else f"{host}:{port}") from None
    return Mariadb(connection)


def _reached(addresses: Sequence[str], port: int) -> socket.socket:
    """Return a socket to the first of these addresses that answers."""
    trouble: OSError | None = None
    for address in addresses:
        try:
            reached = socket.create_connection((address, port), CONNECT_SECONDS)
        except OSError as error:
            trouble = error
            continue
        reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reached.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return reached
    raise pymysql.err.OperationalError(CR_CONN_HOST_ERROR, str(trouble))


def _tls(properties: Properties) -> ssl.SSLContext | None:
    certificate = properties.text("ssl_certificate")
    if not properties.boolean("ssl"):
        return None
    context = trusting(certificate)
    if properties.boolean("ssl_certificate_validation") is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Mariadb:
    """An open connection to a server; its schemas are what MariaDB calls databases."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - untyped
        self._connection = connection
        self._database = connection.db.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A connection that broke is closed already.
        if self._connection.open:
            self._connection.close()

    def test(self) -> None:
        """Ask for one row."""
        with self._transaction("The database") as cursor:
            _rows(cursor, "SELECT 1")

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:
        """Return databases, or the tables and views of one with the rows that statistics know of."""
        parts = split_path(path)
        with self._transaction("The database") as cursor:
            if not parts:
                return [schema_entry(name) for (name,) in _rows(cursor, _SCHEMAS, limit, offset)]
            _check_schema(cursor, parts[0])
            return [
                table_entry(parts[0], name, view=bool(view), rows=rows)
                for name, view, rows in _rows(cursor, _TABLES, parts[0], limit, offset)
            ]

    def schema(self, table: TableName) -> Any:  # noqa: ANN401
        """Return a table's columns and types."""
        with self._transaction(f"Table {shown(table)}") as cursor:
            return _schema(self._there(cursor, self._full(table)))

    def read(self, table: TableName, *, limit: int | None = None) -> Iterator[Any]:
        """Yield a table's rows from one statement, so from one snapshot, some thousands at a time."""
        table = self._full(table)
        with self._transaction(f"Table {shown(table)}") as cursor:
            columns = self._there(cursor, table)
            wanted = ", ".join(column.selected for column in columns)
            last = "" if limit is None else f" LIMIT {int(limit)}"
            yield from self._batches(f"SELECT {wanted} FROM {_name(table)}{last}", columns)  # noqa: S608 - quoted

    def write(
        self,
        table: TableName,
        batches: Iterable[Any],
        *,
        schema: Any,  # noqa: ANN401
        mode: WriteMode,
        publication: str,
    ) -> Written:
        """Write in one transaction with the publication's row, see ``mariadb_write``."""
        table = self._full(table)
        with self._transaction(f"Table {shown(table)}") as cursor:
            _check_schema(cursor, str(table.schema))
            return mariadb_write.write(
                self._connection,
                table,
                batches,
                schema=schema,
                mode=mode,
                publication=publication,
                columns_of=lambda cursor: _columns(cursor, table),
            )

    @contextmanager
    def _transaction(self, what: str) -> Iterator[Any]:
        with telling(what):
            if not self._connection.open:
                self._connection.connect()
        with telling(what), closing(self._connection.cursor()) as cursor:
            try:
                yield cursor
            finally:
                if self._connection.open:
                    self._connection.rollback()

    def _batches(self, statement: str, columns: list[Column]) -> Iterator[Any]:
        schema = _schema(columns)
        rows_at_once = max(1, min(_BATCH_ROWS, _BATCH_CELLS // len(columns)))
        cursor = SSCursor(self._connection)
        finished = False
        # Values come as the texts that the server sends; Arrow reads them, a column at a time.
        decoders, self._connection.decoders = self._connection.decoders, {}
        try:
            cursor.execute(statement)
            while rows := cursor.fetchmany(rows_at_once):
                yield _batch(rows, schema)
            finished = True
        finally:
            self._connection.decoders = decoders
            if finished:
                cursor.close()
            else:
                # Closing the cursor would read all the rest. What is asked next connects anew.
                _abandon(self._connection, cursor)

    def _full(self, table: TableName) -> TableName:
        return TableName(schema=table.schema or self._database, table=table.table)

    def _there(self, cursor: Any, table: TableName) -> list[Column]:  # noqa: ANN401
        columns = _columns(cursor, table)
        if not columns:
            _check_schema(cursor, str(table.schema))
            raise DataFailed(
                "data_not_found",
                f"There is no table {shown(table)}, or this user may not see it.",
                field="table_name",
            )
        return columns


def _abandon(connection: Any, cursor: Any) -> None:  # noqa: ANN401
    """Drop a connection in the middle of a result; for that the driver has no public name."""
    if cursor._result:  # noqa: SLF001
        cursor._result.unbuffered_active = False  # noqa: SLF001
    connection._force_close()  # noqa: SLF001


def _name(table: TableName) -> str:
    return f"{quoted(str(table.schema), '`')}.{quoted(table.table, '`')}"


def _schema(columns: list[Column]) -> Any:  # noqa: ANN401
    return pa.schema([(column.name, column.kind) for column in columns])


def _columns(cursor: Any, table: TableName) -> list[Column]:  # noqa: ANN401
    return [
        Column(name=name, type=kind.lower(), declared=_text(declared), precision=precision, scale=scale)
        for name, kind, declared, precision, scale in _rows(cursor, _COLUMNS, table.schema, table.table)
    ]


def _text(value: str | bytes) -> str:
    # MySQL 8 gives some columns of its catalogue as bytes.
    return value.decode() if isinstance(value, bytes) else value


def _check_schema(cursor: Any, name: str) -> None:  # noqa: ANN401
    if not _rows(cursor, "SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", name):
        raise DataFailed(
            "data_not_found", f"There is no database {name}, or this user may not see it.", field="schema_name"
        )


def _rows(cursor: Any, statement: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
    cursor.execute(statement, values or None)
    return list(cursor.fetchall())


def _batch(rows: list[tuple[Any, ...]], schema: Any) -> Any:  # noqa: ANN401
    columns = [_column(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column(values: tuple[Any, ...], kind: Any) -> Any:  # noqa: ANN401
    if pa.types.is_binary(kind):
        return pa.array([value.encode() if isinstance(value, str) else value for value in values], kind)
    texts = pa.array(values, pa.string())
    # The session's time zone is UTC; the text does not say so.
    naive = texts.cast(pa.timestamp("us")) if pa.types.is_timestamp(kind) else texts
    return naive.cast(kind)

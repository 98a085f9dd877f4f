"""Writing a table of MariaDB or MySQL: rows and the publication's row in one transaction of InnoDB, once."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pymysql

from gristmill.data import mariadb_literals
from gristmill.data.fitting import check_names, fitted, plain_type
from gristmill.data.mariadb_types import Column, declared
from gristmill.data.names import PUBLICATIONS, checked_length, quoted, shown
from gristmill.data.source import DataFailed, TableName, WriteMode, Written

_NAME_BYTES = 64
_LOCK_SECONDS = 5
# What the comment of a table says that was made for a publication.
_MADE_FOR = "made by Gristmill for the publication "
_ENGINES = """SELECT table_name, engine, table_type, table_comment FROM information_schema.tables
    WHERE table_schema = %s AND table_name IN (%s, %s)"""


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

    Rows go by DELETE, not by TRUNCATE, which ends the transaction. Definitions of tables end it, too: tables that are
    missing are made before it, empty, and one that stays empty because of a failure is taken away again, by the next
    writer where the one who made it was killed.

    Raises:
        DataFailed: a column or value does not fit.
        pymysql.Error: the database refuses.

    """
    check_names(schema.names, schema.names, table=shown(table))
    publications = f"{quoted(str(table.schema), '`')}.{quoted(PUBLICATIONS, '`')}"
    target = f"{quoted(str(table.schema), '`')}.{quoted(table.table, '`')}"
    with closing(connection.cursor()) as cursor:
        # A value that does not fit is refused, never bent.
        cursor.execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES')")
        made = _make_tables(cursor, table, schema, publications, target, publication=publication)
        written = None
        try:
            columns = _ordered(columns_of(cursor), schema, table)
            connection.commit()
            before = _note(cursor, publications, table, publication)
            if before is not None:
                return Written(rows=before, before=True)
            if mode == "truncate":
                cursor.execute(f"DELETE FROM {target}")  # noqa: S608 - quoted
            rows = _insert(cursor, target, columns, batches)
            cursor.execute(f"UPDATE {publications} SET `rows` = %s WHERE publication = %s", (rows, publication))  # noqa: S608
            connection.commit()
            written = Written(rows=rows)
            return written
        finally:
            if made and written is None:
                _take_away(connection, target)
            _unlock(connection, target)


def _take_away(connection: Any, target: str) -> None:  # noqa: ANN401
    """Drop a table that was made for a write that failed, unless somebody has put rows into it since.

    Under its lock nobody can do so in between. Where this fails too, an empty table is left, which does no harm.
    """
    with contextlib.suppress(pymysql.Error):
        if not connection.open:
            connection.connect()
        connection.rollback()
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"SET SESSION lock_wait_timeout = {_LOCK_SECONDS}")
            cursor.execute(f"LOCK TABLES {target} WRITE")
            try:
                if not cursor.execute(f"SELECT 1 FROM {target} LIMIT 1"):  # noqa: S608 - quoted
                    cursor.execute(f"DROP TABLE {target}")
            finally:
                cursor.execute("UNLOCK TABLES")


def _make_tables(
    cursor: Any,  # noqa: ANN401
    table: TableName,
    schema: Any,  # noqa: ANN401
    publications: str,
    target: str,
    *,
    publication: str,
) -> bool:
    """Make the tables that are missing; tell whether the target was."""
    cursor.execute(_ENGINES, (table.schema, table.table, PUBLICATIONS))
    there = {name: (engine, kind, comment) for name, engine, kind, comment in cursor.fetchall()}
    engine, kind, comment = there.get(table.table, ("InnoDB", "", ""))
    if engine != "InnoDB" and not kind.endswith("VIEW"):
        raise DataFailed(
            "data_failed",
            f"Table {shown(table)}: its engine {engine} has no transactions, so it cannot be written once and whole; "
            "ALTER TABLE ... ENGINE = InnoDB changes that.",
        )
    if PUBLICATIONS not in there:
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {publications} (publication varchar(255) CHARACTER SET utf8mb4 COLLATE "
            "utf8mb4_bin PRIMARY KEY, table_name varchar(64) NOT NULL, `rows` bigint NOT NULL, "
            "written_at datetime(6) NOT NULL) ENGINE = InnoDB"
        )
    made = table.table not in there
    if made:
        _lock(cursor, target, seconds=_LOCK_SECONDS)
    elif comment.startswith(_MADE_FOR):
        made = _removed_left(cursor, target, publications, made_for=comment.removeprefix(_MADE_FOR))
    if made:
        lines = ", ".join(f"{_column_name(field.name)} {declared(plain_type(field.type))}" for field in schema)
        comment = cursor.connection.escape(f"{_MADE_FOR}{publication}")
        options = f"ENGINE = InnoDB CHARACTER SET utf8mb4 COMMENT = {comment}"
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {target} ({lines}) {options}")
    return made


def _removed_left(cursor: Any, target: str, publications: str, *, made_for: str) -> bool:  # noqa: ANN401
    """Remove a table that a writer made who was killed before anything was in it; tell whether it was that.

    Its types were those of rows that nobody has written. Whoever makes a table holds its lock for as long as it writes.
    """
    cursor.connection.commit()  # what others have committed by now is to be seen
    if not _lock(cursor, target, seconds=0):
        return False
    noted = cursor.execute(f"SELECT 1 FROM {publications} WHERE publication = %s", (made_for,))  # noqa: S608 - quoted
    if noted or cursor.execute(f"SELECT 1 FROM {target} LIMIT 1"):  # noqa: S608
        return False
    cursor.connection.commit()
    cursor.execute(f"SET SESSION lock_wait_timeout = {_LOCK_SECONDS}")
    try:
        cursor.execute(f"DROP TABLE {target}")
    except pymysql.Error:
        # It is read just now, or may not be dropped: then it is written to as it is.
        return False
    return True


def _lock(cursor: Any, target: str, *, seconds: int) -> bool:  # noqa: ANN401
    """Take the lock that goes with making a table, and ends with the connection; tell whether it was to be had."""
    cursor.execute("SELECT GET_LOCK(%s, %s)", (_lock_name(target), seconds))
    return bool(cursor.fetchone()[0])


def _unlock(connection: Any, target: str) -> None:  # noqa: ANN401
    with contextlib.suppress(pymysql.Error):
        if connection.open:
            with closing(connection.cursor()) as cursor:
                cursor.execute("DO RELEASE_LOCK(%s)", (_lock_name(target),))


def _lock_name(target: str) -> str:
    return f"gristmill {hashlib.sha256(target.encode()).hexdigest()[:40]}"


def _column_name(name: str) -> str:
    return quoted(checked_length(name, _NAME_BYTES), "`")


def _ordered(columns: list[Column], schema: Any, table: TableName) -> list[Column]:  # noqa: ANN401
    # Names of columns have no case there.
    by_name = {column.name.lower(): column for column in columns}
    check_names([name.lower() for name in schema.names], by_name, table=shown(table))
    return [by_name[name.lower()] for name in schema.names]


def _note(cursor: Any, publications: str, table: TableName, publication: str) -> int | None:  # noqa: ANN401
    """Insert the publication; return how many rows it had if it is there already."""
    values = (publication, table.table, datetime.now(UTC).replace(tzinfo=None))
    if cursor.execute(f"INSERT IGNORE INTO {publications} VALUES (%s, %s, 0, %s)", values):  # noqa: S608
        return None
    cursor.execute(f"SELECT `rows` FROM {publications} WHERE publication = %s FOR UPDATE", (publication,))  # noqa: S608
    return int(cursor.fetchone()[0])


def _insert(cursor: Any, target: str, columns: list[Column], batches: Iterable[Any]) -> int:  # noqa: ANN401
    schema = pa.schema([(column.name, column.kind) for column in columns])
    names = ", ".join(quoted(column.name, "`") for column in columns)
    cursor.execute("SELECT @@max_allowed_packet")
    # The rest of a packet is for the statement's beginning.
    most_bytes = int(cursor.fetchone()[0]) - 100_000
    rows = 0
    for batch in batches:
        for values in mariadb_literals.statements(fitted(batch, schema), most_bytes):
            cursor.execute(f"INSERT INTO {target} ({names}) VALUES {values}")  # noqa: S608 - literals and quoted names
        rows += batch.num_rows
    return rows

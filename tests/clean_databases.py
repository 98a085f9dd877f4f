"""Empty databases on PostgreSQL, used again: to make one takes a third of a second, to empty one milliseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from gristmill.store import schema
from tests.postgres import Postgres

# Removed rows stay in tables and indexes until somebody vacuums them.
_MOST_ROWS = 1_000
_EMPTY = "; ".join(f"DELETE FROM {table.name}" for table in reversed(schema.metadata.sorted_tables))
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND backend_type = 'client backend'"
)
_FIRST_NUMBERS = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"
# All that a test could change beside rows; whoever owns what, and who may do what with it, stands in the ACLs.
_SHAPE = """
SELECT md5(string_agg(told, E'\\n' ORDER BY told)) FROM (
    SELECT concat_ws(' ', 'version', version_num) FROM alembic_version
    UNION ALL SELECT concat_ws(' ', relname, relkind, relowner, relacl) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', attrelid::regclass, attname, atttypid, attnotnull, attacl) FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', proname, prosrc, proacl) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', 'setting', setconfig) FROM pg_db_role_setting
        JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()
) AS all_of_it (told)
"""


class CleanDatabases:
    """Those of one server that nobody uses now, each with this version's schema and no row."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._ready: list[str] = []
        self._shape: str | None = None
        self._removed: Counter[str] = Counter()

    @contextmanager
    def one(self, *, new: bool = False) -> Iterator[str]:
        """Lend the URL of one; it is used again if all that is left in it are rows, and nobody is in it any more.

        A ``new`` one is for who counts what the database reads: removed rows count, too.
        """
        url = self._ready.pop() if self._ready and not new else self._server.new_database()
        if self._shape is None:
            with _connected(url) as connection:
                self._shape = _text(connection, _SHAPE)
        yield url
        if self._cleaned(url):
            self._ready.append(url)
        else:
            self._server.drop(url)

    def _cleaned(self, url: str) -> bool:
        try:
            with _connected(url) as connection:
                if _text(connection, _OTHERS) != "0" or _text(connection, _SHAPE) != self._shape:
                    return False
                self._removed[url] += _emptied(connection)
                return self._removed[url] <= _MOST_ROWS
        except psycopg.Error:
            return False


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        yield connection


def _text(connection: psycopg.Connection, query: str) -> str:
    found = connection.execute(query.encode()).fetchone()
    assert found is not None
    return str(found[0])


def _emptied(connection: psycopg.Connection) -> int:
    """Delete every row, past triggers and foreign keys; return how many there were."""
    connection.execute("SET session_replication_role = replica")
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_EMPTY.encode())
        rows = cursor.rowcount
        while cursor.nextset():
            rows += cursor.rowcount
        cursor.execute(_FIRST_NUMBERS)
    return rows

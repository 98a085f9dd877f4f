"""Connections and transactions over SQLite or PostgreSQL. Nobody else knows which of the two it is."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DataError, IntegrityError, InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from gristmill.domain.errors import Conflict, Invalid, NoRoom
from gristmill.domain.lineage import LineageSource
from gristmill.store.group_commit import GroupCommit

__all__ = ["Connection", "ConstraintViolated", "Database", "lineage_source", "note"]

_BUSY_TIMEOUT_SECONDS = 30
# Of each connection; SQLite's own 2,000 hold fewer pages than the indexes need of which one step looks at 200 lanes.
_CACHE_KIB = 8_000
_LOOK_SECONDS = 0.0005
_SURE_SECONDS = 0.5
_USED_AT = "gristmill_used_at"
_FACTS = "gristmill_facts"
_WRITES = "gristmill_writes"
_LINEAGE = "gristmill_lineage"
Listener = Callable[[object], None]
Attend = Callable[[Connection], AbstractContextManager[None]]
"""What goes with a transaction: begun after it, and ended before it is committed."""


def _unattended(_connection: Connection) -> AbstractContextManager[None]:
    return nullcontext()


def _nobody_listens(_fact: object) -> None:
    pass


def note(connection: Connection, fact: object) -> None:
    """Tell whoever listens to this database of a fact, if and when the transaction is committed."""
    facts = connection.get_execution_options().get(_FACTS)
    if facts is not None:
        facts.append(fact)


def lineage_source(connection: Connection) -> LineageSource | None:
    """Return who tells of lineage in this transaction, None where nobody does."""
    source: LineageSource | None = connection.get_execution_options().get(_LINEAGE)
    return source


class Database:
    """One database. Safe to use from any thread."""

    def __init__(self, url: str) -> None:
        """Connect lazily to a SQLAlchemy URL; ``postgresql://`` means the psycopg driver."""
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.dialect = parsed.get_backend_name()
        self.engine = _sqlite(parsed) if self.dialect == "sqlite" else _postgresql(parsed)
        self._asked = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        # PostgreSQL itself syncs its disk once for all that commit at the same time.
        self._writers = GroupCommit(self.engine, {_WRITES: True}) if self.dialect == "sqlite" else None
        self._attend: Attend = _unattended
        self._listener: Listener = _nobody_listens
        self._lineage: LineageSource | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a writing transaction: committed at the end of the block, rolled back when it raises."""
        facts: list[object] = []
        with _refusing(), self._to_write() as connection:
            connection.execution_options(**{_FACTS: facts, _LINEAGE: self._lineage})
            with self._attend(connection):
                yield connection
        for fact in facts:
            self._listener(fact)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a transaction that only reads; it never waits for a writer on SQLite."""
        with _refusing(), self.engine.connect() as connection:
            yield connection
            if self.dialect == "postgresql":
                # At a ROLLBACK psycopg forgets every statement that it has prepared on the connection.
                connection.commit()

    @contextmanager
    def question(self) -> Iterator[Connection]:
        """Open a connection for one statement that reads: PostgreSQL is then not told of its beginning and end."""
        if self.dialect == "sqlite":
            with self.snapshot() as connection:
                yield connection
            return
        with _refusing(), self._asked.connect() as connection:
            yield connection

    def attended(self, attend: Attend) -> Database:
        """Return this database, each writing transaction of which has ``attend`` around what it does."""
        other = copy(self)
        other._attend = attend  # noqa: SLF001 - it is one of us
        return other

    def telling(self, listener: Listener) -> Database:
        """Return this database, which gives ``listener`` every fact of a transaction (`note`) once it is committed."""
        other = copy(self)
        other._listener = listener  # noqa: SLF001 - it is one of us
        return other

    def keeping_lineage(self, source: LineageSource) -> Database:
        """Return this database, whose transactions record what became of data with each change of a run."""
        other = copy(self)
        other._lineage = source  # noqa: SLF001 - it is one of us
        return other

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    @contextmanager
    def _to_write(self) -> Iterator[Connection]:
        if self._writers is not None:
            with self._writers.writer() as connection:
                yield connection
        else:
            with self.engine.connect() as connection, connection.begin():
                yield connection


class ConstraintViolated(Conflict):
    """A constraint refused the change: somebody else was first, or something still refers to it."""

    code = "conflict"


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what the database refuses into refusals of ours: nothing was changed, and the client may look again."""
    try:
        yield
    except IntegrityError as error:
        raise ConstraintViolated(
            "Another request changed the same thing at the same moment, or it is still in use. Look again and repeat."
        ) from error
    except DataError as error:
        # PostgreSQL keeps no NUL character in a text, and says so only when it gets one.
        raise Invalid("A text in the request holds a character that cannot be stored (NUL).") from error
    except OperationalError as error:
        if _is_full(error.orig):
            raise NoRoom from error
        raise


def _is_full(said: BaseException | None) -> bool:
    """Tell whether the driver says that there is no room: 53100 is PostgreSQL's ``disk_full``."""
    return getattr(said, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(said, "sqlstate", None) == "53100"


def _sqlite(url: Any) -> Engine:  # noqa: ANN401 - SQLAlchemy's URL
    engine = create_engine(
        url,
        pool_size=20,
        max_overflow=40,
        pool_use_lifo=True,  # so that few connections fill their caches
        connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _connect(raw: Any, _record: object) -> None:  # noqa: ANN401 - sqlite3's connection
        # The driver's own transaction control would begin too late and too weakly.
        raw.isolation_level = None
        # A new file is busy without any wait of SQLite's own while another process changes its mode.
        _until_free(lambda: raw.execute("PRAGMA journal_mode=WAL"))
        # FULL: an answered request survives a power cut, not only a crash of the process.
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", f"cache_size=-{_CACHE_KIB}"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # Past SQLAlchemy's way of executing, which takes ten times as long as SQLite itself does.
        raw: Any = connection.connection.driver_connection
        if connection.get_execution_options().get(_WRITES):
            _begin_to_write(raw)
        else:
            raw.execute("BEGIN")

    return engine


def _begin_to_write(raw: Any) -> None:  # noqa: ANN401 - sqlite3's connection
    """Begin as soon as no other process writes: SQLite itself would look again later and later, up to 100 ms."""
    raw.execute("PRAGMA busy_timeout=0")
    try:
        _until_free(lambda: raw.execute("BEGIN IMMEDIATE"))
    except sqlite3.OperationalError as error:
        raise OperationalError("BEGIN IMMEDIATE", None, error) from error
    finally:
        raw.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_SECONDS * 1000}")


def _until_free(execute: Callable[[], object]) -> None:
    """Execute it as soon as no other process keeps SQLite from it, or give up after long."""
    until = time.monotonic() + _BUSY_TIMEOUT_SECONDS
    while True:
        try:
            execute()
        except sqlite3.OperationalError as error:
            # The low byte: the file is busy, too, while another process recovers it after a crash.
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > until:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _postgresql(url: Any) -> Engine:  # noqa: ANN401 - SQLAlchemy's URL
    engine = create_engine(url, pool_size=10, max_overflow=40, isolation_level="READ COMMITTED")

    @event.listens_for(engine, "checkin")
    def _checkin(_raw: object, record: ConnectionPoolEntry) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _checkout(raw: Any, record: ConnectionPoolEntry, _proxy: object) -> None:  # noqa: ANN401 - psycopg's connection
        # Not each time: that is a round trip more for every transaction.
        if time.monotonic() - record.info.get(_USED_AT, math.inf) < _SURE_SECONDS:
            return
        try:
            engine.dialect.do_ping(raw)
        except engine.dialect.loaded_dbapi.Error as error:
            # The database was away; the pool makes its connections anew.
            raise InvalidatePoolError from error

    return engine

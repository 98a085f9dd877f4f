"""Connections and transactions over SQLite or PostgreSQL. Nobody else knows which of the two it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DataError, IntegrityError

from gristmill.domain.errors import Conflict, Invalid

__all__ = ["Connection", "ConstraintViolated", "Database"]

_BUSY_TIMEOUT_SECONDS = 30
Attend = Callable[[Connection], AbstractContextManager[None]]
"""What goes with a transaction: begun after it, and ended before it is committed."""


def _unattended(_connection: Connection) -> AbstractContextManager[None]:
    return nullcontext()


class Database:
    """One database. Safe to use from any thread."""

    def __init__(self, url: str) -> None:
        """Connect lazily to a SQLAlchemy URL; ``postgresql://`` means the psycopg driver."""
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.dialect = parsed.get_backend_name()
        self.engine = _sqlite(parsed) if self.dialect == "sqlite" else _postgresql(parsed)
        # SQLite's own busy waiting is unfair and sleeps up to 100 ms; within one process a lock queues writers instead.
        self._writing = threading.Lock() if self.dialect == "sqlite" else nullcontext()
        self._attend: Attend = _unattended

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a writing transaction: committed at the end of the block, rolled back when it raises."""
        with self._writing, self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.execution_options(gristmill_writes=True)
            with _refusing(), connection.begin(), self._attend(connection):
                yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a transaction that only reads; it never waits for a writer on SQLite."""
        with _refusing(), self.engine.connect() as connection:
            yield connection

    def attended(self, attend: Attend) -> Database:
        """Return this database, each writing transaction of which has ``attend`` around what it does."""
        other = copy(self)
        other._attend = attend  # noqa: SLF001 - it is one of us
        return other

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


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


def _sqlite(url: Any) -> Engine:  # noqa: ANN401 - SQLAlchemy's URL
    engine = create_engine(
        url, pool_size=20, max_overflow=40, connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def _connect(raw: Any, _record: object) -> None:  # noqa: ANN401 - sqlite3's connection
        # The driver's own transaction control would begin too late and too weakly.
        raw.isolation_level = None
        # FULL: an answered request survives a power cut, not only a crash of the process.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("gristmill_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: Any) -> Engine:  # noqa: ANN401 - SQLAlchemy's URL
    return create_engine(url, pool_size=10, max_overflow=40, pool_pre_ping=True, isolation_level="READ COMMITTED")

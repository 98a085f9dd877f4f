"""Wake-ups between processes: LISTEN and NOTIFY on PostgreSQL, sockets beside the database file of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Text, bindparam, cast, create_engine, func, literal, select, text
from sqlalchemy.pool import NullPool

from gristmill.store import socket_bell
from gristmill.store.database import Database
from gristmill.store.prepared import Prepared

_CHANNEL = "gristmill_bell"
# As a text: what the function itself returns is nothing of which there is a type.
_NOTIFY = Prepared(select(cast(func.pg_notify(literal(_CHANNEL), bindparam("sender", type_=Text)), Text)))


class Listener(Protocol):
    """Hears rings; broken by what breaks connections, and then to be made anew."""

    def heard(self, *, within_seconds: float) -> set[str]:
        """Return who has rung, as soon as anybody has; the empty set where nobody did in time."""


def reaches_others(database: Database) -> bool:
    """Tell whether a ring is heard in other processes."""
    return database.dialect == "postgresql" or _beside(database) is not None


def ring(database: Database, sender: str) -> None:
    """Ring in all processes that listen.

    Alone, outside of any transaction: one that notifies is committed one by one with all others that do.
    """
    directory = _beside(database)
    if directory is not None:
        socket_bell.ring(directory, sender)
    elif database.dialect == "postgresql":
        with database.question() as connection:
            _NOTIFY.all(connection, {"sender": sender})


@contextmanager
def listen(database: Database, sender: str) -> Iterator[Listener]:
    """Listen as long as the block. ``sender`` is the name by which this process rings."""
    directory = _beside(database)
    if directory is not None:
        with socket_bell.SocketListener(directory, sender) as listener:
            yield listener
    else:
        with _connected(database) as connected:
            yield connected


def _beside(database: Database) -> Path | None:
    """Return the directory of the sockets, None where the database is no file of SQLite."""
    name = database.engine.url.database
    if database.dialect != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(f"{name}-bell")


class _PostgresListener:
    def __init__(self, driver: Any) -> None:  # noqa: ANN401 - psycopg's connection
        self._driver = driver

    def heard(self, *, within_seconds: float) -> set[str]:
        return {each.payload for each in self._driver.notifies(timeout=within_seconds, stop_after=1)}


@contextmanager
def _connected(database: Database) -> Iterator[_PostgresListener]:
    # Of no pool: whoever got this connection next would go on listening.
    engine = create_engine(database.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    connection = engine.connect()
    try:
        connection.execute(text(f"LISTEN {_CHANNEL}"))
        yield _PostgresListener(connection.connection.driver_connection)
    finally:
        connection.invalidate()
        connection.close()

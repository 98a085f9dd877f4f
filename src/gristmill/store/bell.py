"""Wake-ups between processes: LISTEN and NOTIFY on PostgreSQL. SQLite has no such thing; there everybody polls."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from gristmill.store.database import Database

_CHANNEL = "gristmill_bell"


def reaches_others(database: Database) -> bool:
    """Tell whether a ring is heard in other processes."""
    return database.dialect == "postgresql"


def ring(database: Database, sender: str) -> None:
    """Ring in all processes that listen.

    A transaction of its own: one that notifies is committed one by one with all others that do.
    """
    with database.transaction() as connection:
        connection.execute(text("SELECT pg_notify(:channel, :sender)"), {"channel": _CHANNEL, "sender": sender})


class Listener:
    """A connection that hears rings; broken by what breaks connections, and then to be made anew."""

    def __init__(self, database: Database) -> None:
        # Of no pool: whoever got this connection next would go on listening.
        engine = create_engine(database.engine.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._connection = engine.connect()
        self._connection.execute(text(f"LISTEN {_CHANNEL}"))
        self._driver: Any = self._connection.connection.driver_connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._connection.invalidate()
        self._connection.close()

    def heard(self, *, within_seconds: float) -> set[str]:
        """Return who has rung, as soon as anybody has; the empty set where nobody did in time."""
        return {each.payload for each in self._driver.notifies(timeout=within_seconds, stop_after=1)}

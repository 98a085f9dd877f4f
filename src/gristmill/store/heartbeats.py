"""When loops were last at work, and workers last heard of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from gristmill.store.database import Connection
from gristmill.store.schema import heartbeats, workers


def beat(connection: Connection, name: str, now: datetime) -> None:
    """Note that a loop is at work."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = dialect.insert(heartbeats).values(name=name, seen_at=now)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))


def seen_at(connection: Connection, name: str) -> datetime | None:
    """Return when the loop was last at work."""
    return connection.execute(select(heartbeats.c.seen_at).where(heartbeats.c.name == name)).scalar()


def worker_seen_at(connection: Connection) -> datetime | None:
    """Return when any worker was last heard of."""
    return connection.execute(select(func.max(workers.c.seen_at))).scalar()

"""When loops were last at work, and workers last heard of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
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


def forget(connection: Connection, name: str) -> None:
    """Note that a loop has come to its end."""
    connection.execute(delete(heartbeats).where(heartbeats.c.name == name))


def any_alive(connection: Connection, beginning: str, *, since: datetime) -> bool:
    """Tell whether any loop whose name begins so was at work since this moment."""
    alive = select(heartbeats.c.name).where(heartbeats.c.name.startswith(beginning), heartbeats.c.seen_at >= since)
    return connection.execute(alive.limit(1)).first() is not None


def forget_dead(connection: Connection, beginning: str, *, before: datetime) -> None:
    """Forget loops whose names begin so, and that have not been at work since this moment."""
    dead = (heartbeats.c.name.startswith(beginning), heartbeats.c.seen_at < before)
    connection.execute(delete(heartbeats).where(*dead))


def worker_seen_at(connection: Connection) -> datetime | None:
    """Return when any worker was last heard of."""
    return connection.execute(select(func.max(workers.c.seen_at))).scalar()

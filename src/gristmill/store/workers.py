"""Workers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, update

from gristmill.store.database import Connection
from gristmill.store.schema import workers


def create(connection: Connection, worker_id: str, *, host: str, pid: int, slots: int, now: datetime) -> None:
    """Add a worker."""
    values = {"id": worker_id, "host": host, "pid": pid, "slots": slots, "started_at": now, "seen_at": now}
    connection.execute(insert(workers).values(**values))


def seen(connection: Connection, worker_id: str, now: datetime) -> None:
    """Note that a worker lives."""
    connection.execute(update(workers).where(workers.c.id == worker_id).values(seen_at=now))


def remove_silent(connection: Connection, *, before: datetime) -> None:
    """Delete workers that have not been heard of since this moment."""
    connection.execute(delete(workers).where(workers.c.seen_at < before))


def remove(connection: Connection, worker_id: str) -> None:
    """Delete a worker."""
    connection.execute(delete(workers).where(workers.c.id == worker_id))

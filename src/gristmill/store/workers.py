"""Workers."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, update

from gristmill.domain.capacity import Capacity
from gristmill.store.database import Connection
from gristmill.store.schema import workers

SILENCE = timedelta(seconds=60)
"""A worker that has not been heard of for so long is not counted on."""


def create(
    connection: Connection, worker_id: str, *, host: str, pid: int, slots: int, offers: Capacity | None, now: datetime
) -> None:
    """Add a worker; without ``offers`` it takes whatever runs reserve."""
    values = {"id": worker_id, "host": host, "pid": pid, "slots": slots, "started_at": now, "seen_at": now}
    room = {"millicores": offers.millicores, "memory_bytes": offers.memory_bytes} if offers else {}
    connection.execute(insert(workers).values(**values, **room))


def seen(connection: Connection, worker_id: str, now: datetime) -> None:
    """Note that a worker lives."""
    connection.execute(update(workers).where(workers.c.id == worker_id).values(seen_at=now))


def remove_silent(connection: Connection, *, before: datetime) -> None:
    """Delete workers that have not been heard of since this moment."""
    connection.execute(delete(workers).where(workers.c.seen_at < before))


def remove(connection: Connection, worker_id: str) -> None:
    """Delete a worker."""
    connection.execute(delete(workers).where(workers.c.id == worker_id))

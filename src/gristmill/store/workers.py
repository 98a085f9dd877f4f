"""Workers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from gristmill.domain.capacity import Capacity
from gristmill.domain.worker import SILENCE, WorkerLoad
from gristmill.domain.worker_labels import labels_of, offered_text
from gristmill.store.database import Connection
from gristmill.store.schema import claims, runs, workers


def create(
    connection: Connection,
    worker_id: str,
    *,
    host: str,
    pid: int,
    slots: int,
    offers: Capacity | None,
    now: datetime,
    labels: Sequence[str] = (),
    environments: Sequence[str] = (),
) -> None:
    """Add a worker; without ``offers`` it takes whatever runs reserve."""
    values = {"id": worker_id, "host": host, "pid": pid, "slots": slots, "started_at": now, "seen_at": now}
    values |= {"labels": offered_text(labels), "environments": list(environments)}
    connection.execute(insert(workers).values(**values, **_room(offers)))


def seen(connection: Connection, worker_id: str, now: datetime, *, offers: Capacity | None = None) -> None:
    """Note that a worker lives, and what it ``offers`` by now if that may have changed."""
    values = {"seen_at": now, **_room(offers)}
    connection.execute(update(workers).where(workers.c.id == worker_id).values(values))


def remove_silent(connection: Connection, *, before: datetime) -> None:
    """Delete workers that have not been heard of since this moment."""
    connection.execute(delete(workers).where(workers.c.seen_at < before))


def remove(connection: Connection, worker_id: str) -> None:
    """Delete a worker."""
    connection.execute(delete(workers).where(workers.c.id == worker_id))


def remove_all(connection: Connection) -> None:
    """Delete all workers: none of them is there any more."""
    connection.execute(delete(workers))


def loads(connection: Connection, *, now: datetime, limit: int) -> list[WorkerLoad]:
    """Return the workers, the last heard first, with what the runs that they hold have reserved."""
    held = select(
        claims.c.worker_id,
        func.count().label("running"),
        func.sum(runs.c.millicores).label("reserved_millicores"),
        func.sum(runs.c.memory_bytes).label("reserved_memory_bytes"),
    )
    held = held.join(runs, runs.c.id == claims.c.run_id).group_by(claims.c.worker_id)
    sums = held.subquery()
    reserved = [func.coalesce(sums.c[name], 0).label(name) for name in sums.c.keys() if name != "worker_id"]  # noqa: SIM118
    query = select(workers, *reserved).outerjoin(sums, sums.c.worker_id == workers.c.id)
    rows = connection.execute(query.order_by(workers.c.seen_at.desc(), workers.c.id).limit(limit)).mappings()
    return [
        WorkerLoad(**{**row, "labels": labels_of(row["labels"]), "stale": now - row["seen_at"] > SILENCE})
        for row in rows
    ]


def _room(offers: Capacity | None) -> dict[str, Any]:
    return {"millicores": offers.millicores, "memory_bytes": offers.memory_bytes} if offers else {}

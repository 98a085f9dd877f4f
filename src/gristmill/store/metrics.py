"""The installation's figures, read in one snapshot by queries that an index or a short table answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select, text

from gristmill.domain.worker import SILENCE
from gristmill.store import heartbeats, storage
from gristmill.store.database import Connection
from gristmill.store.schema import (
    claims,
    deliveries,
    discarded_contents,
    events,
    jobs,
    lanes,
    run_counts,
    runs,
    workers,
)
from gristmill.telemetry import metrics
from gristmill.telemetry.metrics import Figure

_LANE_STATES = ("ready", "full", "paused", "working")
_UNROUTED = events.c.routed_at.is_(None)
_TICKING = (jobs.c.next_tick_at.is_not(None), jobs.c.deleted_at.is_(None))


def figures(connection: Connection, now: datetime) -> Iterator[Figure]:
    """Yield those that short tables and indices answer, however many lanes and jobs there are."""
    yield from _work(connection, now)
    yield from _ticks(connection, now)
    yield from _outbox(connection, now)
    yield Figure(metrics.DISCARDED_CONTENTS, _count(connection, select(func.count()).select_from(discarded_contents)))
    yield Figure(metrics.DATABASE_BYTES, _database_bytes(connection))


def of_lanes(connection: Connection, now: datetime) -> Iterator[Figure]:
    """Yield those of the queue and of all runs: they sum up a row for each lane at work and for each job and state."""
    yield from _queue(connection, now)
    kept = select(run_counts.c.state, func.sum(run_counts.c.number)).group_by(run_counts.c.state)
    for state, kept_runs in connection.execute(kept):
        yield Figure(metrics.RUNS, float(kept_runs), (state,))


def of_content(connection: Connection) -> Iterator[Figure]:
    """Yield what takes how much room: it sums up a row for each attachment, so ask seldom."""
    for found in storage.of_assets(connection):
        yield Figure(metrics.CONTENTS, found.number, (found.kind,))
        yield Figure(metrics.CONTENT_BYTES, found.size, (found.kind,))


def _queue(connection: Connection, now: datetime) -> Iterator[Figure]:
    """Read the lanes' hints: triggers keep them, and to count a million waiting runs would take a second."""
    state = case(
        (lanes.c.queued == 0, "working"),
        (lanes.c.paused, "paused"),
        (lanes.c.running >= lanes.c.max_running, "full"),
        else_="ready",
    ).label("state")
    query = select(state, func.count(), func.sum(lanes.c.queued), func.min(lanes.c.head))
    query = query.where(or_(lanes.c.queued > 0, lanes.c.running > 0)).group_by("state")
    found = {name: (number, int(queued), head) for name, number, queued, head in connection.execute(query)}
    for name in _LANE_STATES:
        number, queued, head = found.get(name, (0, 0, None))
        yield Figure(metrics.LANES, number, (name,))
        if name != "working":
            yield Figure(metrics.QUEUED_RUNS, queued, (name,))
            queued_at = connection.execute(select(runs.c.modified_at).where(runs.c.place == head)).scalar()
            yield Figure(metrics.OLDEST_QUEUED, _age(now, queued_at), (name,))


def _work(connection: Connection, now: datetime) -> Iterator[Figure]:
    rows = (func.coalesce(func.sum(runs.c[name]), 0) for name in ("rows_done", "rows_total"))
    held = select(func.count(), *rows).select_from(claims).join(runs, runs.c.id == claims.c.run_id)
    number, done, total = connection.execute(held).one()
    yield Figure(metrics.CLAIMS, number)
    yield Figure(metrics.ROWS_AT_WORK, float(done), ("done",))
    yield Figure(metrics.ROWS_AT_WORK, float(total), ("all",))
    expired = select(func.count()).select_from(claims).where(claims.c.expires_at < now)
    yield Figure(metrics.EXPIRED_CLAIMS, _count(connection, expired))
    heard = workers.c.seen_at >= now - SILENCE
    yield Figure(metrics.WORKERS, _count(connection, _workers(heard)), ("heard",))
    yield Figure(metrics.WORKERS, _count(connection, _workers(~heard)), ("silent",))
    slots = select(func.coalesce(func.sum(workers.c.slots), 0)).where(heard)
    yield Figure(metrics.WORKER_SLOTS, _count(connection, slots))


def _workers(which: ColumnElement[bool]) -> Select[Any]:
    return select(func.count()).select_from(workers).where(which)


def _ticks(connection: Connection, now: datetime) -> Iterator[Figure]:
    beat = heartbeats.seen_at(connection, "scheduler")
    if beat:
        yield Figure(metrics.SCHEDULER_SILENCE, _age(now, beat))
    yield Figure(metrics.SCHEDULES, _count(connection, select(func.count()).select_from(jobs).where(*_TICKING)))
    due = select(func.count(), func.min(jobs.c.next_tick_at)).where(*_TICKING, jobs.c.next_tick_at <= now)
    number, first = connection.execute(due).one()
    yield Figure(metrics.TICKS_DUE, number)
    yield Figure(metrics.TICK_OVERDUE, _age(now, first))


def _outbox(connection: Connection, now: datetime) -> Iterator[Figure]:
    number, oldest = connection.execute(select(func.count(), func.min(events.c.at)).where(_UNROUTED)).one()
    yield Figure(metrics.OUTBOX, number)
    yield Figure(metrics.OUTBOX_AGE, _age(now, oldest))
    waiting = select(func.count(), func.min(deliveries.c.next_attempt_at))
    number, first = connection.execute(waiting.where(deliveries.c.next_attempt_at.is_not(None))).one()
    yield Figure(metrics.DELIVERIES_WAITING, number)
    yield Figure(metrics.DELIVERY_OVERDUE, _age(now, first))


def _database_bytes(connection: Connection) -> float:
    if connection.dialect.name == "postgresql":
        return float(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages, size = (connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size"))
    return float(pages * size)


def _count(connection: Connection, query: Select[Any]) -> float:
    return float(connection.execute(query).scalar_one())


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since) / timedelta(seconds=1)) if since else 0.0

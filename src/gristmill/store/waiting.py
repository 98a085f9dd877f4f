"""What a waiting run waits for: its lane as it is now."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select

from gristmill.domain.capacity import Capacity
from gristmill.domain.run import ACTIVE, Run, RunState
from gristmill.domain.waiting import Lane
from gristmill.domain.worker_labels import labels_of
from gristmill.store.database import Connection
from gristmill.store.run_pages import newest_places
from gristmill.store.schema import lanes, runs, workers

_RECENT = 20


def lane_of(connection: Connection, run: Run, *, workers_seen_since: datetime) -> Lane:
    """Return the run's lane."""
    lane = connection.execute(select(lanes.c.max_running, lanes.c.paused).where(lanes.c.id == run.lane_id)).one()
    live = select(func.count()).select_from(workers).where(workers.c.seen_at >= workers_seen_since)
    needs, labels = _needs(connection, run), _labels(connection, run)
    return Lane(
        max_running=lane.max_running,
        paused=lane.paused,
        working=_working(connection, run.lane_id),
        recent_seconds=_recent_seconds(connection, run.lane_id),
        workers=connection.execute(live).scalar_one(),
        needs=needs,
        largest=_too_small(connection, needs, labels, workers_seen_since) if needs else None,
        labels=labels,
        labelled=_any_has(connection, labels, workers_seen_since),
    )


def _needs(connection: Connection, run: Run) -> Capacity | None:
    """Return what the run reserves, None where that is nothing."""
    query = select(runs.c.millicores, runs.c.memory_bytes).where(runs.c.place == run.place)
    needs = Capacity(**connection.execute(query).mappings().one())
    return needs if needs != Capacity() else None


def _labels(connection: Connection, run: Run) -> tuple[str, ...]:
    return labels_of(connection.execute(select(runs.c.labels).where(runs.c.place == run.place)).scalar_one())


def _any_has(connection: Connection, labels: Collection[str], seen_since: datetime) -> bool:
    query = select(workers.c.labels).where(workers.c.seen_at >= seen_since).distinct()
    return any(set(labels_of(text)).issuperset(labels) for text in connection.execute(query).scalars())


def _too_small(
    connection: Connection, needs: Capacity, labels: Collection[str], seen_since: datetime
) -> Capacity | None:
    """Return what the largest live worker that has the labels offers where none of these offers enough."""
    query = select(workers.c.millicores, workers.c.memory_bytes, workers.c.labels)
    fit = [
        row
        for row in connection.execute(query.where(workers.c.seen_at >= seen_since))
        if set(labels_of(row.labels)).issuperset(labels)
    ]
    offers = [
        None if row.millicores is None else Capacity(millicores=row.millicores, memory_bytes=row.memory_bytes)
        for row in fit
    ]
    if any(offer is None or needs.fits(offer) for offer in offers):
        return None
    known = [offer for offer in offers if offer is not None]
    return max(known, key=lambda offer: (offer.memory_bytes, offer.millicores), default=None)


def ahead(connection: Connection, run: Run) -> int:
    """Return how many runs of the lane wait in front of this one."""
    before = (runs.c.lane_id == run.lane_id, runs.c.state == str(RunState.QUEUED), runs.c.place < run.place)
    return int(connection.execute(select(func.count()).select_from(runs).where(*before)).scalar_one())


def _working(connection: Connection, lane_id: str) -> list[tuple[str, datetime | None]]:
    query = select(runs.c.name, runs.c.started_at).where(runs.c.lane_id == lane_id, runs.c.state.in_(sorted(ACTIVE)))
    return [(row.name, row.started_at) for row in connection.execute(query.order_by(runs.c.place))]


def _recent_seconds(connection: Connection, lane_id: str) -> list[float]:
    of_lane, started = {"lane_id": lane_id}, runs.c.started_at.is_not(None)
    places = newest_places(connection.dialect.name, of_lane, RunState.COMPLETED, started, limit=_RECENT)
    query = select(runs.c.started_at, runs.c.finished_at).where(runs.c.place.in_(places))
    return [(row.finished_at - row.started_at).total_seconds() for row in connection.execute(query)]

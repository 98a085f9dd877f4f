"""What a waiting run waits for: its lane as it is now."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from gristmill.domain.run import ACTIVE, Run, RunState
from gristmill.domain.waiting import Lane
from gristmill.store.database import Connection
from gristmill.store.schema import lanes, runs, workers

_RECENT = 20


def lane_of(connection: Connection, run: Run, *, workers_seen_since: datetime) -> Lane:
    """Return the run's lane."""
    limit = connection.execute(select(lanes.c.max_running).where(lanes.c.id == run.lane_id)).scalar_one()
    live = select(func.count()).select_from(workers).where(workers.c.seen_at >= workers_seen_since)
    return Lane(
        max_running=limit,
        working=_working(connection, run.lane_id),
        recent_seconds=_recent_seconds(connection, run.lane_id),
        workers=connection.execute(live).scalar_one(),
    )


def ahead(connection: Connection, run: Run) -> int:
    """Return how many runs of the lane wait in front of this one."""
    before = (runs.c.lane_id == run.lane_id, runs.c.state == str(RunState.QUEUED), runs.c.place < run.place)
    return int(connection.execute(select(func.count()).select_from(runs).where(*before)).scalar_one())


def _working(connection: Connection, lane_id: str) -> list[tuple[str, datetime | None]]:
    query = select(runs.c.name, runs.c.started_at).where(runs.c.lane_id == lane_id, runs.c.state.in_(sorted(ACTIVE)))
    return [(row.name, row.started_at) for row in connection.execute(query.order_by(runs.c.place))]


def _recent_seconds(connection: Connection, lane_id: str) -> list[float]:
    done = (runs.c.lane_id == lane_id, runs.c.state == str(RunState.COMPLETED), runs.c.started_at.is_not(None))
    query = select(runs.c.started_at, runs.c.finished_at).where(*done).order_by(runs.c.place.desc()).limit(_RECENT)
    return [(row.finished_at - row.started_at).total_seconds() for row in connection.execute(query)]

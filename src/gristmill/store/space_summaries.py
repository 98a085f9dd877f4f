"""What goes on in spaces, for lists of them: bounded, however many runs there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, union_all

from gristmill.domain.job_summary import LATE_AFTER
from gristmill.domain.run import RunState
from gristmill.domain.space import Role
from gristmill.domain.space_summary import MOST_FAILED, JobName
from gristmill.store.database import Connection
from gristmill.store.run_pages import newest_places
from gristmill.store.runs import newest_place
from gristmill.store.schema import jobs, members, run_counts, runs, workers


def roles(connection: Connection, user_id: str, space_ids: Sequence[str]) -> dict[str, Role]:
    """Return the user's role in each of these spaces."""
    where = (members.c.user_id == user_id, members.c.space_id.in_(space_ids))
    rows = connection.execute(select(members.c.space_id, members.c.role).where(*where))
    return {row.space_id: Role(row.role) for row in rows}


def by_state(connection: Connection, space_ids: Sequence[str]) -> dict[str, dict[RunState, int]]:
    """Return by space how many visible runs wait or are at work, by state."""
    unfinished = [str(state) for state in (RunState.QUEUED, RunState.STARTING, RunState.RUNNING, RunState.CANCELING)]
    columns = (run_counts.c.space_id, run_counts.c.state)
    query = select(*columns, func.sum(run_counts.c.number).label("number"))
    where = (run_counts.c.space_id.in_(space_ids), run_counts.c.state.in_(unfinished))
    found: defaultdict[str, dict[RunState, int]] = defaultdict(dict)
    for row in connection.execute(query.where(*where).group_by(*columns)):
        found[row.space_id][RunState(row.state)] = int(row.number)
    return found


def failed_since(connection: Connection, space_ids: Sequence[str], since: datetime) -> dict[str, list[JobName]]:
    """Return by space the jobs of its failed runs since a moment, a row a run, the newest first.

    Of each space, the newest `MOST_FAILED` failed runs are looked at.
    """
    found: defaultdict[str, list[JobName]] = defaultdict(list)
    for space_id in space_ids:
        # A query a space: one for all of them would be longer to plan than to run.
        places = newest_places(
            connection.dialect.name,
            {"space_id": space_id},
            RunState.FAILED,
            runs.c.deleted_at.is_(None),
            limit=MOST_FAILED,
        )
        columns = (runs.c.space_id, runs.c.job_id, jobs.c.name, runs.c.finished_at.label("at"))
        query = select(*columns).join(jobs, jobs.c.id == runs.c.job_id)
        query = query.where(runs.c.place.in_(places), runs.c.finished_at >= since, jobs.c.deleted_at.is_(None))
        rows = connection.execute(query.order_by(runs.c.place.desc())).mappings()
        found[space_id] = [JobName(**row) for row in rows]
    return found


def still_failing(connection: Connection, job_ids: Sequence[str]) -> set[str]:
    """Return those of these jobs whose newest run that completed or failed has failed."""
    columns = (jobs.c.id, newest_place(RunState.FAILED).label("failed"), newest_place(RunState.COMPLETED).label("done"))
    rows = connection.execute(select(*columns).where(jobs.c.id.in_(job_ids)))
    return {row.id for row in rows if (row.failed or 0) > (row.done or 0)}


def next_ticks(connection: Connection, space_ids: Sequence[str], *, after: datetime) -> dict[str, JobName]:
    """Return by space the job that comes next, by its first tick after a moment; paused jobs do not come."""
    if not space_ids:
        return {}
    together = union_all(*(select(_next_of(space_id, after).subquery()) for space_id in space_ids))
    return {row["space_id"]: JobName(**row) for row in connection.execute(together).mappings()}


def late(connection: Connection, space_ids: Sequence[str], *, now: datetime) -> dict[str, int]:
    """Return by space how many jobs have a tick that is due for too long."""
    due = (jobs.c.next_tick_at < now - LATE_AFTER, ~jobs.c.paused, jobs.c.deleted_at.is_(None))
    query = select(jobs.c.space_id, func.count().label("number")).where(jobs.c.space_id.in_(space_ids), *due)
    return {row.space_id: row.number for row in connection.execute(query.group_by(jobs.c.space_id))}


def workers_alive(connection: Connection, *, seen_since: datetime) -> int:
    """Return how many workers have been heard of since a moment."""
    query = select(func.count()).select_from(workers).where(workers.c.seen_at >= seen_since)
    return int(connection.execute(query).scalar_one())


def _next_of(space_id: str, after: datetime) -> Select[Any]:
    columns = (jobs.c.space_id, jobs.c.id.label("job_id"), jobs.c.name, jobs.c.next_tick_at.label("at"))
    where = (jobs.c.space_id == space_id, jobs.c.next_tick_at > after, ~jobs.c.paused, jobs.c.deleted_at.is_(None))
    return select(*columns).where(*where).order_by(jobs.c.next_tick_at).limit(1)

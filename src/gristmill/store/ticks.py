"""Ticks of schedules: which jobs have one due, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Table, insert, select, tuple_, update

from gristmill.domain.disposition import DecidedTick, Disposition
from gristmill.domain.job import Job, JobKind
from gristmill.domain.run import ACTIVE, RunState
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, values_of
from gristmill.store.schema import jobs, lanes, runs, ticks

T = TypeVar("T")
Mark: TypeAlias = tuple[datetime, str]
"""A job's next tick and its id: the order in which due jobs are looked at."""
TickKey: TypeAlias = tuple[str, datetime]
"""A job's id and a tick of it."""
LocalTick: TypeAlias = tuple[str, str]
"""A job's id and a local time of it."""
_AT_ONCE = 500


def due(connection: Connection, *, now: datetime, limit: int, after: Mark | None = None) -> list[Mark]:
    """Return the jobs whose next tick has come, the longest due first, those after a mark."""
    key = (jobs.c.next_tick_at, jobs.c.id)
    query = select(*key).where(jobs.c.next_tick_at <= now, jobs.c.deleted_at.is_(None))
    if after:
        query = query.where(tuple_(*key) > tuple_(*after))
    return [(row.next_tick_at, row.id) for row in connection.execute(query.order_by(*key).limit(limit))]


def scheduled(connection: Connection, *, after: str, limit: int) -> list[Job]:
    """Return the next jobs that have a schedule, in the order of their ids."""
    query = select(*columns_of(jobs, Job)).where(
        jobs.c.id > after, jobs.c.scheduler_id.is_not(None), jobs.c.deleted_at.is_(None)
    )
    rows = connection.execute(query.order_by(jobs.c.id).limit(limit)).mappings()
    return [Job(**{**row, "kind": JobKind(row["kind"])}) for row in rows]


def correct(connection: Connection, job: Job, next_tick_at: datetime | None) -> bool:
    """Set which tick of a job comes next, unless the job has changed or ticks of it were decided meanwhile."""
    seen = (jobs.c.id == job.id, jobs.c.version == job.version)
    until = jobs.c.decided_until.is_not_distinct_from(job.decided_until)
    before = jobs.c.next_tick_at.is_not_distinct_from(job.next_tick_at)
    statement = update(jobs).where(*seen, until, before, jobs.c.deleted_at.is_(None))
    return bool(connection.execute(statement.values(next_tick_at=next_tick_at)).rowcount)


def take(connection: Connection, job_ids: Sequence[str], *, now: datetime) -> list[Job]:
    """Return those of the jobs that have a tick due and that no other scheduler is deciding.

    PostgreSQL locks them until the transaction ends; SQLite has one writer anyway.
    """
    query = select(*columns_of(jobs, Job)).where(
        jobs.c.id.in_(job_ids), jobs.c.next_tick_at <= now, jobs.c.deleted_at.is_(None)
    )
    # Not against those who only refer to the job: submitting runs goes on.
    rows = connection.execute(query.with_for_update(skip_locked=True, key_share=True)).mappings()
    return [Job(**{**row, "kind": JobKind(row["kind"])}) for row in rows]


def lock_lanes(connection: Connection, lane_ids: Iterable[str]) -> None:
    """Lock lanes in one order, so that those who queue in many of them do not deadlock."""
    if connection.dialect.name == "postgresql":
        query = select(lanes.c.id).where(lanes.c.id.in_(set(lane_ids))).order_by(lanes.c.id)
        connection.execute(query.with_for_update(key_share=True)).all()


def known(connection: Connection, wanted: Sequence[TickKey]) -> set[TickKey]:
    """Return which of these ticks have been decided before, whatever the jobs' own rows say."""
    found: set[TickKey] = set()
    for part in _parts(wanted):
        query = select(ticks.c.job_id, ticks.c.scheduled_for)
        found |= {tuple(row) for row in connection.execute(query.where(_among(ticks, part)))}
    return found


def ran_at(connection: Connection, wanted: Sequence[LocalTick], *, since: datetime) -> set[LocalTick]:
    """Return which of these local times ticks have run at since a moment."""
    found: set[LocalTick] = set()
    for part in _parts(wanted):
        query = select(ticks.c.job_id, ticks.c.local_time).where(
            ticks.c.job_id.in_({job_id for job_id, _ in part}),
            ticks.c.scheduled_for >= since,
            ticks.c.disposition == str(Disposition.RAN),
            ticks.c.local_time.in_({local for _, local in part}),
        )
        found |= {(row.job_id, row.local_time) for row in connection.execute(query)}
    return found


def runs_of(connection: Connection, wanted: Sequence[TickKey]) -> dict[TickKey, str]:
    """Return the ids of the runs that these ticks have already."""
    found: dict[TickKey, str] = {}
    for part in _parts(wanted):
        query = select(runs.c.job_id, runs.c.scheduled_for, runs.c.id).where(_among(runs, part))
        found |= {(row.job_id, row.scheduled_for): row.id for row in connection.execute(query)}
    return found


def decide(connection: Connection, decided: Sequence[DecidedTick]) -> None:
    """Write down what became of ticks."""
    if decided:
        connection.execute(insert(ticks), [values_of(tick, ticks) for tick in decided])


def page(connection: Connection, job_id: str, *, limit: int) -> list[DecidedTick]:
    """Return the newest decided ticks of a job."""
    query = select(ticks).where(ticks.c.job_id == job_id).order_by(ticks.c.scheduled_for.desc()).limit(limit)
    rows = connection.execute(query).mappings()
    return [DecidedTick(**{**row, "disposition": Disposition(row["disposition"])}) for row in rows]


def unfinished(connection: Connection, job_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return the runs of these jobs that wait or work, by job."""
    found: dict[str, list[str]] = {job_id: [] for job_id in job_ids}
    if job_ids:
        states = sorted([*ACTIVE, RunState.QUEUED])
        query = select(runs.c.job_id, runs.c.id).where(runs.c.job_id.in_(job_ids), runs.c.state.in_(states))
        for row in connection.execute(query.order_by(runs.c.place)):
            found[row.job_id].append(row.id)
    return found


def _parts(wanted: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(wanted), _AT_ONCE):
        yield wanted[start : start + _AT_ONCE]


def _among(table: Table, wanted: Sequence[TickKey]) -> ColumnElement[bool]:
    return tuple_(table.c.job_id, table.c.scheduled_for).in_(wanted)

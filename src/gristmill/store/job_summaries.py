"""Lists of jobs with their newest runs: bounded, however many runs there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_, union_all

from gristmill.domain.job import Job
from gristmill.domain.job_summary import LATE_AFTER, JobCounts, JobFilter
from gristmill.domain.page import Page
from gristmill.domain.run import ACTIVE, Run, RunState
from gristmill.store.database import Connection
from gristmill.store.jobs import job_of
from gristmill.store.rows import columns_of, page_by_time
from gristmill.store.runs import COLUMNS, newest_place, run_of
from gristmill.store.schema import jobs, run_counts, runs

_JOBS_AT_ONCE = 100
"""SQLite takes up to 500 parts of a union."""
_NEWEST = 2**63 - 1


def page(
    connection: Connection,
    space_id: str,
    *,
    limit: int,
    now: datetime,
    start: str | None = None,
    text: str | None = None,
    only: JobFilter | None = None,
) -> Page[Job]:
    """List a space's jobs, the newest first; ``text`` is looked for in their names, whatever the case."""
    where = _of_space(space_id)
    if text:
        where.append(func.lower(jobs.c.name).contains(text.lower(), autoescape=True))
    if only:
        where.append(_passes(only, space_id, now))
    query = select(*columns_of(jobs, Job)).where(*where)
    return page_by_time(connection, query, jobs, job_of, limit=limit, start=start, newest_first=True)


def counts(connection: Connection, space_id: str, *, now: datetime) -> JobCounts:
    """Count a space's jobs, and those that each filter lets through."""
    of_space = _of_space(space_id)

    def number(*where: ColumnElement[bool]) -> Select[Any]:
        return select(func.count()).select_from(jobs).where(*of_space, *where)

    parts = [number(), *(number(_passes(each, space_id, now)) for each in JobFilter)]
    row = connection.execute(select(*(part.scalar_subquery() for part in parts))).one()
    return JobCounts(total=row[0], by_filter=dict(zip(JobFilter, row[1:], strict=True)))


def newest_runs(connection: Connection, job_ids: Sequence[str], *, each: int) -> dict[str, list[Run]]:
    """Return the newest visible runs of each of these jobs, the newest first, without their heavy columns."""
    found: defaultdict[str, list[Run]] = defaultdict(list)
    for first in range(0, len(job_ids), _JOBS_AT_ONCE):
        some = job_ids[first : first + _JOBS_AT_ONCE]
        places = union_all(*(select(_newest_places(job_id, each).subquery()) for job_id in some))
        query = select(*COLUMNS).where(runs.c.place.in_(places)).order_by(runs.c.place.desc())
        for row in connection.execute(query):
            found[row.job_id].append(run_of(row))
    return found


def _newest_places(job_id: str, limit: int) -> Select[Any]:
    # Compared and sorted as a row, as in run_pages.newest_places, so that no database walks all runs instead.
    key = (runs.c.job_id, runs.c.place)
    between = (tuple_(*key) > tuple_(job_id, 0), tuple_(*key) < tuple_(job_id, _NEWEST))
    visible = (runs.c.job_id == job_id, runs.c.deleted_at.is_(None))
    return select(runs.c.place).where(*between, *visible).order_by(*(part.desc() for part in key)).limit(limit)


def _of_space(space_id: str) -> list[ColumnElement[bool]]:
    return [jobs.c.space_id == space_id, jobs.c.deleted_at.is_(None)]


def _passes(only: JobFilter, space_id: str, now: datetime) -> ColumnElement[bool]:
    match only:
        case JobFilter.RUNNING:
            return jobs.c.id.in_(_with_runs(space_id, *ACTIVE))
        case JobFilter.QUEUED:
            return jobs.c.id.in_(_with_runs(space_id, RunState.QUEUED))
        case JobFilter.FAILING:
            return and_(jobs.c.id.in_(_with_runs(space_id, RunState.FAILED)), _newest_failed())
        case JobFilter.LATE:
            return and_(jobs.c.next_tick_at < now - LATE_AFTER, ~jobs.c.paused)
        case JobFilter.PAUSED:
            return jobs.c.paused


def _with_runs(space_id: str, *states: RunState) -> Select[Any]:
    """Select the jobs that have runs in these states, from the counts."""
    where = (run_counts.c.space_id == space_id, run_counts.c.state.in_([str(state) for state in states]))
    return select(run_counts.c.job_id).where(*where).group_by(run_counts.c.job_id).having(_some())


def _some() -> ColumnElement[bool]:
    return func.sum(run_counts.c.number) > 0


def _newest_failed() -> ColumnElement[bool]:
    completed = newest_place(RunState.COMPLETED)
    return or_(completed.is_(None), newest_place(RunState.FAILED) > completed)

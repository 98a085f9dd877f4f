"""Lists of jobs with their newest runs: bounded, however many runs there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Join, Select, and_, func, or_, select, true, tuple_, union_all

from gristmill.domain.job import Job
from gristmill.domain.job_summary import LATE_AFTER, JobCounts, JobFilter, RecentRun
from gristmill.domain.page import Page
from gristmill.domain.run import ACTIVE, RunState
from gristmill.store.database import Connection
from gristmill.store.jobs import job_of
from gristmill.store.rows import columns_of, page_by_time
from gristmill.store.runs import newest_place
from gristmill.store.schema import jobs, run_counts, runs

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


def newest_runs(connection: Connection, job_ids: Sequence[str], *, each: int) -> dict[str, list[RecentRun]]:
    """Return the newest visible runs of each of these jobs, the newest first."""
    found: defaultdict[str, list[RecentRun]] = defaultdict(list)
    columns = [runs.c.job_id, *columns_of(runs, RecentRun)]
    source = _newest_by_lateral(each) if connection.dialect.name == "postgresql" else _newest_by_rowid(each)
    query = select(*columns).select_from(source).where(jobs.c.id.in_(job_ids)).order_by(runs.c.place.desc())
    for row in connection.execute(query).mappings():
        values = {name: value for name, value in row.items() if name != "job_id"}
        found[row["job_id"]].append(RecentRun(**{**values, "state": RunState(row["state"])}))
    return found


def _newest_by_rowid(limit: int) -> Join:
    # SQLite has no LATERAL, and looks up what such a list names by the primary key.
    newest = runs.alias()
    query = select(newest.c.place).where(newest.c.job_id == jobs.c.id, newest.c.deleted_at.is_(None))
    places = query.order_by(newest.c.place.desc()).limit(limit).correlate(jobs)
    return jobs.join(runs, runs.c.place.in_(places))


def _newest_by_lateral(limit: int) -> Join:
    # PostgreSQL would hold every run against such a list. State by state, from the end of an index that has all that
    # is asked for: it takes an index without the states for dearer, and would sort every run of a job.
    of_states = union_all(*(select(_newest_in(state, limit).subquery().c.place) for state in RunState)).subquery()
    places = select(of_states.c.place).order_by(of_states.c.place.desc()).limit(limit).lateral()
    return jobs.join(places, true()).join(runs, runs.c.place == places.c.place)


def _newest_in(state: RunState, limit: int) -> Select[Any]:
    """Select a job's newest places in a state; compared and sorted as rows, as in `run_pages.newest_places`."""
    newest = runs.alias()
    key = (newest.c.state, newest.c.place)
    between = (tuple_(*key) > tuple_(str(state), 0), tuple_(*key) < tuple_(str(state), _NEWEST))
    query = select(newest.c.place).where(newest.c.job_id == jobs.c.id, *between, newest.c.deleted_at.is_(None))
    return query.order_by(*(part.desc() for part in key)).limit(limit).correlate(jobs)


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

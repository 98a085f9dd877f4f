"""Jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update

from gristmill.domain.job import Job, JobKind
from gristmill.domain.page import Page
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import jobs, runs

_COLUMNS = columns_of(jobs, Job)
_BY_ID = Prepared(select(*_COLUMNS).where(jobs.c.id == bindparam("of_job")))
_DEFAULT = Prepared(
    select(*_COLUMNS).where(jobs.c.deployment_id == bindparam("of_deployment"), jobs.c.kind == str(JobKind.DEFAULT))
)


def create(connection: Connection, job: Job) -> None:
    """Insert a job; its lane must be there."""
    connection.execute(insert(jobs).values(**values_of(job, jobs)))


def get(connection: Connection, job_id: str) -> Job | None:
    """Return a job, also one that is being deleted."""
    row = _BY_ID.first(connection, {"of_job": job_id})
    return job_of(row) if row else None


def these(connection: Connection, job_ids: Sequence[str]) -> list[Job]:
    """Return the jobs with these ids that are still there."""
    return [job_of(row) for row in connection.execute(select(*_COLUMNS).where(jobs.c.id.in_(job_ids)))]


def by_serving_name(connection: Connection, name: str) -> Job | None:
    """Return the job with this serving name."""
    row = connection.execute(select(*_COLUMNS).where(jobs.c.serving_name == name)).first()
    return job_of(row) if row else None


def named(connection: Connection, space_id: str, name: str) -> Job | None:
    """Return the oldest job of this name in a space; those that were made with deployments do not count."""
    where = (jobs.c.space_id == space_id, jobs.c.name == name, jobs.c.kind != str(JobKind.DEFAULT))
    query = select(*_COLUMNS).where(*where, jobs.c.deleted_at.is_(None)).order_by(jobs.c.created_at, jobs.c.id)
    row = connection.execute(query.limit(1)).first()
    return job_of(row) if row else None


def default_of(connection: Connection, deployment_id: str) -> Job | None:
    """Return the job that was made with a deployment."""
    row = _DEFAULT.first(connection, {"of_deployment": deployment_id})
    return job_of(row) if row else None


def page(
    connection: Connection, space_id: str, *, limit: int, start: str | None = None, filters: Mapping[str, str]
) -> Page[Job]:
    """List the jobs of a space, with their number; ``run_id`` among the filters finds the parent of a run."""
    where = [jobs.c.space_id == space_id, jobs.c.deleted_at.is_(None)]
    for column, value in filters.items():
        parent = jobs.c.id == select(runs.c.job_id).where(runs.c.id == value).scalar_subquery()
        where.append(parent if column == "run_id" else jobs.c[column] == value)
    total = connection.execute(select(func.count()).select_from(jobs).where(*where)).scalar_one()
    found = page_by_time(connection, select(*_COLUMNS).where(*where), jobs, job_of, limit=limit, start=start)
    return Page(items=found.items, next=found.next, total=total)


def change(connection: Connection, job_id: str, now: datetime, values: Mapping[str, Any]) -> None:
    """Set columns of a job and count the change."""
    statement = update(jobs).where(jobs.c.id == job_id)
    connection.execute(statement.values(**values, modified_at=now, version=jobs.c.version + 1))


def note_ticks(connection: Connection, next_ticks: Mapping[str, datetime | None], *, until: datetime) -> None:
    """Set, by job, which tick comes next, and that those before are decided; that is no change of the job."""
    if next_ticks:
        statement = update(jobs).where(jobs.c.id == bindparam("of_job"))
        rows = [{"of_job": job_id, "next": next_tick} for job_id, next_tick in next_ticks.items()]
        connection.execute(statement.values(decided_until=until, next_tick_at=bindparam("next")), rows)


def deleting(connection: Connection, *, limit: int) -> list[Job]:
    """Return jobs that wait to be purged."""
    query = select(*_COLUMNS).where(jobs.c.deleted_at.is_not(None)).limit(limit)
    return [job_of(row) for row in connection.execute(query)]


def remove(connection: Connection, job_id: str) -> None:
    """Delete a job; its runs go with it."""
    connection.execute(delete(jobs).where(jobs.c.id == job_id))


def job_of(row: Row[Any]) -> Job:
    """Return the job of a row that has its columns."""
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    return Job(**{**values, "kind": JobKind(values["kind"])})

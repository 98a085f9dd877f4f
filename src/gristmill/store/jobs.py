"""Jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, func, insert, select

from gristmill.domain.job import Job, JobKind
from gristmill.domain.page import Page
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import jobs

_COLUMNS = columns_of(jobs, Job)


def create(connection: Connection, job: Job) -> None:
    """Insert a job; its lane must be there."""
    connection.execute(insert(jobs).values(**values_of(job, jobs)))


def get(connection: Connection, job_id: str) -> Job | None:
    """Return a job."""
    row = connection.execute(select(*_COLUMNS).where(jobs.c.id == job_id)).first()
    return _job(row) if row else None


def default_of(connection: Connection, deployment_id: str) -> Job | None:
    """Return the job that was made with a deployment."""
    query = select(*_COLUMNS).where(jobs.c.deployment_id == deployment_id, jobs.c.kind == str(JobKind.DEFAULT))
    row = connection.execute(query).first()
    return _job(row) if row else None


def page(
    connection: Connection, space_id: str, *, limit: int, start: str | None = None, deployment_id: str | None = None
) -> Page[Job]:
    """List the jobs of a space, with their number."""
    where = [jobs.c.space_id == space_id, *([jobs.c.deployment_id == deployment_id] if deployment_id else [])]
    total = connection.execute(select(func.count()).select_from(jobs).where(*where)).scalar_one()
    found = page_by_time(connection, select(*_COLUMNS).where(*where), jobs, _job, limit=limit, start=start)
    return Page(items=found.items, next=found.next, total=total)


def remove(connection: Connection, job_id: str) -> None:
    """Delete a job; its runs go with it."""
    connection.execute(delete(jobs).where(jobs.c.id == job_id))


def _job(row: Row[Any]) -> Job:
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    return Job(**{**values, "kind": JobKind(values["kind"])})

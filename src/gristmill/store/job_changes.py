"""Changes of jobs, the newest of each."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from gristmill.domain.job_change import MOST_KEPT, JobChange
from gristmill.store.database import Connection
from gristmill.store.schema import job_changes, users


def record(connection: Connection, change: JobChange) -> None:
    """Add a change, within its own transaction; what is older than those that are kept goes."""
    values = {name: getattr(change, name) for name in ("job_id", "version", "at", "actor_id")}
    connection.execute(insert(job_changes).values(**values, changes=[dict(each) for each in change.changes]))
    old = (job_changes.c.job_id == change.job_id, job_changes.c.version <= change.version - MOST_KEPT)
    connection.execute(delete(job_changes).where(*old))


def newest(connection: Connection, job_id: str, *, before: int | None, limit: int) -> list[JobChange]:
    """Return the newest changes of a job, or the newest before a version."""
    query = select(job_changes, users.c.name.label("actor_name")).outerjoin(users, users.c.id == job_changes.c.actor_id)
    query = query.where(job_changes.c.job_id == job_id).order_by(job_changes.c.version.desc()).limit(limit)
    if before is not None:
        query = query.where(job_changes.c.version < before)
    return [JobChange(**row) for row in connection.execute(query).mappings()]

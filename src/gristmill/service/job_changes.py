"""The history of a job: noted in the transaction of each change, and looked at."""

from __future__ import annotations

from gristmill.domain.job import Job
from gristmill.domain.job_change import JobChange, differences
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.store import job_changes
from gristmill.store.database import Connection


def note(connection: Connection, actor: Actor, after: Job, *, before: Job | None) -> None:
    """Note what a change of a job changed, or, without an earlier state, that it was made."""
    found = differences(before, after) if before else []
    if found or before is None:
        at = after.modified_at
        change = JobChange(job_id=after.id, version=after.version, at=at, actor_id=actor.user_id, changes=found)
        job_changes.record(connection, change)


def page(context: Context, actor: Actor, job: Job, *, limit: int, start: int | None = None) -> Page[JobChange]:
    """List the changes of a job, the newest first."""
    with context.database.snapshot() as connection:
        authorize(connection, actor, job.space_id, Permission.VIEW)
        found = job_changes.newest(connection, job.id, before=start, limit=limit + 1)
        items, more = found[:limit], len(found) > limit
    return Page(items=items, next=str(items[-1].version) if more else None)

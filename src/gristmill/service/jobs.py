"""Jobs as their users see them."""

from __future__ import annotations

from gristmill.domain.errors import Conflict, NotFound
from gristmill.domain.job import Job, JobKind
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.store import jobs
from gristmill.store.database import Connection


def get(context: Context, actor: Actor, job_id: str) -> Job:
    """Return a job that the actor can see."""
    with context.database.snapshot() as connection:
        return _visible(connection, actor, job_id, Permission.VIEW)


def page(
    context: Context,
    actor: Actor,
    space_id: str | None,
    *,
    limit: int,
    start: str | None = None,
    deployment_id: str | None = None,
) -> Page[Job]:
    """List the jobs of a space, with their number."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return jobs.page(connection, space.id, limit=limit, start=start, deployment_id=deployment_id)


def delete(context: Context, actor: Actor, job_id: str) -> None:
    """Delete a job and its runs.

    Raises:
        Conflict: it is the default job of a deployment, which lives as long as that.

    """
    with context.database.transaction() as connection:
        job = _visible(connection, actor, job_id, Permission.EDIT)
        if job.kind is JobKind.DEFAULT:
            raise Conflict(
                f"{job.name} is the default job of deployment {job.deployment_id}: it cannot be edited or deleted on "
                "its own. Delete the deployment, or delete its runs.",
                code="default_job",
            )


def _visible(connection: Connection, actor: Actor, job_id: str, permission: Permission) -> Job:
    job = jobs.get(connection, job_id)
    if job is not None:
        authorize(connection, actor, job.space_id, permission)
    if job is None:
        raise NotFound(f"There is no job {job_id} that you can see.", code="job_not_found")
    return job

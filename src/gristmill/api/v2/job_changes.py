"""`/v2/jobs/{id}/changes`: what was changed of a job, when and by whom. An extension of the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from gristmill.api.envelope import page_limit
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.service import job_changes, jobs

router = Router(prefix="/v2/jobs/{job_id}/changes", tag="jobs")


class ChangedField(BaseModel):
    """A member of a job, before and after; of secrets both are null, long values are cut."""

    field: str
    before: Any
    after: Any


class JobChangeDocument(BaseModel):
    """A change: the version that it made; without ``changes`` the job was made."""

    version: int
    at: datetime
    actor_id: str
    actor_name: str | None
    changes: list[ChangedField]


class JobChanges(BaseModel):
    """A page of changes, the newest first; ``next`` is the mark of the page after it."""

    results: list[JobChangeDocument]
    next: str | None


@router.get("")
def page(
    ctx: Ctx,
    me: Me,
    job_id: str,
    limit: int | None = None,
    start: Annotated[int | None, Query(ge=0)] = None,
) -> JobChanges:
    """List what was changed of a job: its newest 200 changes, page by page."""
    found = job_changes.page(ctx, me, jobs.get(ctx, me, job_id), limit=page_limit(limit), start=start)
    results = [
        JobChangeDocument(
            version=each.version,
            at=each.at,
            actor_id=each.actor_id,
            actor_name=each.actor_name,
            changes=[ChangedField.model_validate(dict(change)) for change in each.changes],
        )
        for each in found.items
    ]
    return JobChanges(results=results, next=found.next)

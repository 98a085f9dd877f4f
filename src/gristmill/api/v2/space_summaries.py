"""`/v2/space_summaries`: my spaces at a glance. An extension of the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.space_summary import JobName, SpaceSummary
from gristmill.service import space_summaries
from gristmill.service.space_summaries import MOST_SPACES

router = Router(prefix="/v2/space_summaries", tag="Spaces")


class JobMoment(BaseModel):
    """A job, and when it comes next or when it failed."""

    job_id: str
    name: str
    at: datetime


class SpaceGlance(BaseModel):
    """A space; ``failed`` counts the runs of the last 24 hours, up to 100."""

    id: str
    name: str
    description: str
    role: str
    paused: bool
    running: int
    queued: int
    failed: int
    next_tick: JobMoment | None
    failing: list[JobMoment]
    late: int


class SpaceGlances(BaseModel):
    """A page of spaces; ``next`` is the mark of the page after it."""

    now: datetime
    workers: int
    has_credential: bool
    results: list[SpaceGlance]
    next: str | None


@router.get("")
def page(
    ctx: Ctx,
    me: Me,
    limit: Annotated[int, Query(ge=1, le=MOST_SPACES)] = MOST_SPACES,
    start: str | None = None,
) -> SpaceGlances:
    """List my spaces: what runs, waits, failed of late and comes next, and which jobs are failing.

    ``workers`` is how many live, ``has_credential`` whether I have the task credential that my runs need.
    """
    found, standing = space_summaries.page(ctx, me, limit=limit, start=start)
    return SpaceGlances(
        now=ctx.now(),
        workers=standing.workers,
        has_credential=standing.has_credential,
        results=[_glance(each) for each in found.items],
        next=found.next,
    )


def _glance(summary: SpaceSummary) -> SpaceGlance:
    space = summary.space
    return SpaceGlance(
        id=space.id,
        name=space.name,
        description=space.description,
        role=str(summary.role),
        paused=space.paused,
        running=summary.running,
        queued=summary.queued,
        failed=summary.failed_recently,
        next_tick=_moment(summary.next_tick) if summary.next_tick else None,
        failing=[_moment(each) for each in summary.failing],
        late=summary.late,
    )


def _moment(job: JobName) -> JobMoment:
    return JobMoment(job_id=job.job_id, name=job.name, at=job.at)

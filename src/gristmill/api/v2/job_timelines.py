"""`/v2/job_timelines`: what a space's jobs did a while ago and will do in a while. An extension of the wire."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from gristmill.api.envelope import page_limit
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me, Scope
from gristmill.api.v2.job_document import platform_state
from gristmill.domain.job_summary import JobFilter
from gristmill.domain.job_timeline import JobTimeline
from gristmill.service import job_timelines

router = Router(prefix="/v2/job_timelines", tag="jobs")


class RunSpan(BaseModel):
    """A run, and from when to when it worked."""

    id: str
    state: str
    started_at: datetime | None
    finished_at: datetime | None


class JobLane(BaseModel):
    """A job's newest runs since then, the newest first, and its ticks to come; ``cut``: there are more than 100."""

    id: str
    name: str
    runs: list[RunSpan]
    ticks: list[datetime]
    cut: bool


class JobLanes(BaseModel):
    """A page of jobs, from ``since`` over ``now`` to ``until``; ``next`` is the mark of the page after it."""

    since: datetime
    now: datetime
    until: datetime
    results: list[JobLane]
    next: str | None


@router.get("")
def page(
    ctx: Ctx,
    me: Me,
    space_id: Scope,
    hours: Annotated[int, Query(ge=1, le=168, description="How far to look back, and ahead.")] = 12,
    name: Annotated[str | None, Query(max_length=255, description="Text in the names.")] = None,
    only: Annotated[JobFilter | None, Query(alias="filter")] = None,
    limit: int | None = None,
    start: str | None = None,
) -> JobLanes:
    """List a space's jobs, the newest first, each with its runs of the last hours and its ticks of the next."""
    now, around = ctx.now(), timedelta(hours=hours)
    found = job_timelines.page(
        ctx, me, space_id, around=around, limit=page_limit(limit), start=start, text=name, only=only
    )
    lanes = [_lane(each) for each in found.items]
    return JobLanes(since=now - around, now=now, until=now + around, results=lanes, next=found.next)


def _lane(lane: JobTimeline) -> JobLane:
    spans = [
        RunSpan(id=run.id, state=platform_state(run), started_at=run.started_at, finished_at=run.finished_at)
        for run in lane.runs
    ]
    return JobLane(id=lane.job.id, name=lane.job.name, runs=spans, ticks=list(lane.ticks), cut=lane.cut)

"""`/v2/job_summaries`: a space's jobs at a glance. An extension of the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from gristmill.api.envelope import page_limit
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me, Scope
from gristmill.api.v2.job_document import platform_state
from gristmill.domain.job_summary import JobFilter, JobSummary, RecentRun, seconds_of
from gristmill.domain.run import Run
from gristmill.domain.schedule_words import in_words
from gristmill.service import job_summaries

router = Router(prefix="/v2/job_summaries", tag="jobs")


class RunGlance(BaseModel):
    """A run as a bar: how it ended, and how long it worked."""

    id: str
    state: str
    seconds: float | None


class LastRun(RunGlance):
    """The newest run, with how far it is, or what became of its rows."""

    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    scheduled: bool
    rows_done: int | None
    rows_total: int | None
    rows_rejected: int | None
    failure: str | None


class ScheduleGlance(BaseModel):
    """A schedule in words, the zone that they are of, and its next tick."""

    words: str
    zone: str
    next_at: datetime | None


class JobGlance(BaseModel):
    """A job; ``runs`` are the newest 14, the newest first, ``median_seconds`` is of those among them that completed."""

    id: str
    name: str
    kind: str
    asset_ref: str
    asset_ref_type: str
    target: str | None
    paused: bool
    schedule: ScheduleGlance | None
    last_run: LastRun | None
    runs: list[RunGlance]
    median_seconds: float | None


class JobGlances(BaseModel):
    """A page of jobs; ``next`` is the mark of the page after it, ``counts`` how many jobs each filter lets through."""

    now: datetime
    total_count: int
    counts: dict[JobFilter, int]
    results: list[JobGlance]
    next: str | None


@router.get("")
def page(
    ctx: Ctx,
    me: Me,
    space_id: Scope,
    name: Annotated[str | None, Query(max_length=255, description="Text in the names.")] = None,
    only: Annotated[JobFilter | None, Query(alias="filter")] = None,
    limit: int | None = None,
    start: str | None = None,
) -> JobGlances:
    """List a space's jobs, the newest first, each with its newest runs, its schedule in words and what comes next."""
    found, counts = job_summaries.page(ctx, me, space_id, limit=page_limit(limit), start=start, text=name, only=only)
    return JobGlances(
        now=ctx.now(),
        total_count=counts.total,
        counts=dict(counts.by_filter),
        results=[_glance(each) for each in found.items],
        next=found.next,
    )


def _glance(summary: JobSummary) -> JobGlance:
    job = summary.job
    return JobGlance(
        id=job.id,
        name=job.name,
        kind=str(job.kind),
        asset_ref=job.asset_ref,
        asset_ref_type=job.asset_ref_type,
        target=summary.target,
        paused=job.paused,
        schedule=_schedule(summary),
        last_run=_last(summary.last) if summary.last else None,
        runs=[_bar(run) for run in summary.recent],
        median_seconds=summary.median_seconds,
    )


def _schedule(summary: JobSummary) -> ScheduleGlance | None:
    schedule, job = summary.schedule, summary.job
    if schedule is None:
        return None
    coming = None if job.paused else job.next_tick_at
    return ScheduleGlance(words=in_words(schedule), zone=schedule.zone, next_at=coming)


def _last(run: Run) -> LastRun:
    return LastRun(
        id=run.id,
        state=platform_state(run),
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        seconds=seconds_of(run),
        scheduled=run.scheduled_for is not None,
        rows_done=run.rows_done,
        rows_total=run.rows_total,
        rows_rejected=run.rows_rejected,
        failure=run.cause.message if run.cause else None,
    )


def _bar(run: RecentRun) -> RunGlance:
    return RunGlance(id=run.id, state=platform_state(run), seconds=run.seconds)

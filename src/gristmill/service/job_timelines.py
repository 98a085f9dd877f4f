"""Timelines of jobs: what ran in the hours before, and what will run in the hours to come, a lane a job."""

from __future__ import annotations

from datetime import timedelta

from gristmill.domain.job_summary import JobFilter
from gristmill.domain.job_timeline import MOST_RUNS, JobTimeline, timeline
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import schedules
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.store import job_summaries


def page(
    context: Context,
    actor: Actor,
    space_id: str | None,
    *,
    around: timedelta,
    limit: int,
    start: str | None = None,
    text: str | None = None,
    only: JobFilter | None = None,
) -> Page[JobTimeline]:
    """List the same jobs as `job_summaries.page` does, in its order."""
    now = context.now()
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        found = job_summaries.page(connection, space.id, limit=limit, start=start, text=text, only=only, now=now)
        recent = job_summaries.newest_runs(connection, [job.id for job in found.items], each=MOST_RUNS)
    lanes = [
        timeline(job, schedules.of_job(job), recent.get(job.id, []), now=now, around=around) for job in found.items
    ]
    return Page(items=lanes, next=found.next)

"""Schedules as their users see them: what comes next, and what became of the ticks that came."""

from __future__ import annotations

from gristmill.domain.disposition import DecidedTick
from gristmill.domain.job import Job
from gristmill.domain.schedule import Schedule
from gristmill.domain.schedule_document import of_document
from gristmill.domain.space import Permission
from gristmill.domain.tick_preview import Tick, preview
from gristmill.domain.user import Actor
from gristmill.service import jobs
from gristmill.service.context import Context
from gristmill.store import ticks


def of_job(job: Job) -> Schedule | None:
    """Return a job's schedule."""
    return of_document(job.schedule) if job.schedule else None


def upcoming(context: Context, actor: Actor, job_id: str, *, count: int) -> list[Tick]:
    """Return a job's next ticks, with a note where a clock change moves one."""
    schedule = of_job(jobs.get(context, actor, job_id))
    return preview(schedule, context.now(), count) if schedule else []


def decided(context: Context, actor: Actor, job_id: str, *, limit: int) -> list[DecidedTick]:
    """Return what became of a job's newest ticks."""
    with context.database.snapshot() as connection:
        job = jobs.visible(connection, actor, job_id, Permission.VIEW)
        return ticks.page(connection, job.id, limit=limit)

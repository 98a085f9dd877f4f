"""Schedules: what comes next, whether that is noted rightly, and what became of the ticks that came."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gristmill.domain.disposition import DecidedTick
from gristmill.domain.errors import Invalid
from gristmill.domain.job import Job
from gristmill.domain.schedule import Schedule
from gristmill.domain.schedule_document import of_document
from gristmill.domain.schedule_plan import schedule_of_plan
from gristmill.domain.space import Permission
from gristmill.domain.tick import next_tick
from gristmill.domain.tick_preview import Tick, preview
from gristmill.domain.user import Actor
from gristmill.service import jobs
from gristmill.service.context import Context
from gristmill.store import ticks

_log = logging.getLogger("gristmill.schedules")


def of_job(job: Job) -> Schedule | None:
    """Return a job's schedule."""
    return of_document(job.schedule) if job.schedule else None


def upcoming(context: Context, actor: Actor, job_id: str, *, count: int) -> list[Tick]:
    """Return a job's next ticks, with a note where a clock change moves one."""
    schedule = of_job(jobs.get(context, actor, job_id))
    return preview(schedule, context.now(), count) if schedule else []


def planned(context: Context, plan: Mapping[str, Any], *, count: int) -> tuple[Schedule, list[Tick]]:
    """Return the schedule that a plan means now, and its first ticks, with a note where a clock change moves one.

    Raises:
        Invalid: it is none, or nothing of it is still to come; names the field.

    """
    now = context.now()
    schedule = schedule_of_plan(plan, now)
    found = preview(schedule, now, count)
    if not found:
        field = "start" if not schedule.repeat else "end" if schedule.end else "schedule"
        raise Invalid(f"{field}: nothing would run, because all times of this schedule are over.", field=field)
    return schedule, found


def decided(context: Context, actor: Actor, job_id: str, *, limit: int) -> list[DecidedTick]:
    """Return what became of a job's newest ticks."""
    with context.database.snapshot() as connection:
        job = jobs.visible(connection, actor, job_id, Permission.VIEW)
        return ticks.page(connection, job.id, limit=limit)


def correct_some(context: Context, *, after: str, limit: int) -> tuple[str, int]:
    """Hold the next ticks that are noted with some jobs against their schedules, and set right what is wrong.

    What makes them wrong is new time zone data, or a database that was restored or mended by hand. Return where to go
    on, "" at the end, and how many were wrong.
    """
    with context.database.snapshot() as connection:
        found = ticks.scheduled(connection, after=after, limit=limit)
    wrong = [(job, wanted) for job, wanted in map(_wanted, found) if wanted != job.next_tick_at]
    if wrong:
        with context.database.transaction() as connection:
            wrong = [(job, wanted) for job, wanted in wrong if ticks.correct(connection, job, wanted)]
    for job, wanted in wrong:
        _log.warning("schedule.corrected", extra={"job": job.id, "was": job.next_tick_at, "next_tick_at": wanted})
    return (found[-1].id if len(found) == limit else ""), len(wrong)


def _wanted(job: Job) -> tuple[Job, datetime | None]:
    """Return the job and its first tick that was not decided yet; a schedule that is none keeps what it has."""
    try:
        schedule = of_job(job)
    except Invalid:
        return job, job.next_tick_at
    return job, next_tick(schedule, job.decided_until or job.created_at) if schedule else None

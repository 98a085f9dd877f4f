"""Schedules at work: a tick becomes a run and a row in one transaction, whoever notices it first."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gristmill.domain.disposition import DecidedTick, Disposition
from gristmill.domain.errors import GristmillError
from gristmill.domain.job import Job
from gristmill.domain.run import RunEvent, RunState
from gristmill.domain.schedule import OverlapPolicy, Schedule
from gristmill.domain.schedule_document import of_document
from gristmill.domain.space import Permission
from gristmill.domain.tick import next_tick
from gristmill.domain.tick_due import due
from gristmill.domain.tick_preview import Tick, preview
from gristmill.domain.user import Actor
from gristmill.service import job_runs, jobs
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.service.job_runs import Overrides, Prepared
from gristmill.store import jobs as job_store
from gristmill.store import runs, ticks, users
from gristmill.store.database import Connection

_AT_ONCE = 200
_log = logging.getLogger("gristmill.schedules")


def fire_due(context: Context) -> tuple[int, bool]:
    """Decide what has come, of a bounded number of jobs; return how many had a tick, and whether more may be due."""
    with context.database.snapshot() as connection:
        waiting = ticks.due(connection, now=context.now(), limit=_AT_ONCE)
    decided = sum(_fire_one(context, job_id) for job_id in waiting)
    if decided:
        context.wake()
    return decided, decided == _AT_ONCE


def _fire_one(context: Context, job_id: str) -> bool:
    """Decide one job's ticks; a job at which we fail must not keep the others from running."""
    try:
        return _fire(context, job_id)
    except Exception:  # noqa: BLE001 - logged, and tried again at the next step
        _log.exception("schedule.failed", extra={"job": job_id})
        return False


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


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Whom the runs act for, and the run that was prepared or why it was refused."""

    actor: Actor | None
    prepared: Prepared | None
    refusal: str | None


def _fire(context: Context, job_id: str) -> bool:
    with context.database.snapshot() as connection:
        job = job_store.get(connection, job_id)
        actor = _actor(connection, job) if job else None
    if job is None:
        return False
    attempt = _prepare(context, job, actor)
    decided = ran = False
    try:
        with context.database.transaction() as connection:
            ticks.lock(connection, job_id)
            current = job_store.get(connection, job_id)
            if current and _still_due(context, job, current):
                decided, ran = True, _decide(context, connection, current, attempt)
    except BaseException as error:
        if attempt.prepared:
            job_runs.discard(context, attempt.prepared, error)
        raise
    if attempt.prepared and not ran:
        job_runs.discard(context, attempt.prepared)
    return decided


def _still_due(context: Context, seen: Job, current: Job) -> bool:
    """Tell whether the job is as it was when its run was prepared, and nobody else has decided its tick since."""
    same = current.version == seen.version and current.next_tick_at == seen.next_tick_at
    return same and current.next_tick_at is not None and current.next_tick_at <= context.now()


def _actor(connection: Connection, job: Job) -> Actor | None:
    user = users.get(connection, job.scheduler_id) if job.scheduler_id else None
    return Actor(user_id=user.id, user_name=user.name) if user and not user.disabled else None


def _prepare(context: Context, job: Job, actor: Actor | None) -> _Attempt:
    if job.paused:
        return _Attempt(actor, None, None)
    if actor is None:
        return _Attempt(None, None, "The user who scheduled the job is gone or disabled.")
    try:
        return _Attempt(actor, job_runs.prepare(context, actor, job.id, Overrides()), None)
    except GristmillError as error:
        return _Attempt(actor, None, error.message)


def _decide(context: Context, connection: Connection, job: Job, attempt: _Attempt) -> bool:
    """Give every due tick its disposition, and the job its next tick; tell whether a run was queued."""
    now, schedule = context.now(), of_job(job)
    assert schedule is not None, "only scheduled jobs have a next tick"
    found = due(schedule, job.decided_until or job.created_at, now)
    passed = Disposition.MERGED if found.run and not job.paused else Disposition.MISSED
    known = ticks.known(connection, job.id, [*found.missed, *found.run])
    missed = [tick for tick in found.missed if tick not in known]
    rows = [_row(job, tick, Disposition.PAUSED if job.paused else passed, now) for tick in missed]
    new = [tick for tick in found.run if tick not in known]
    rows += [_run_or_not(context, connection, job, schedule, attempt, tick) for tick in new]
    ticks.decide(connection, rows)
    values = {"decided_until": now, "next_tick_at": next_tick(schedule, now)}
    job_store.note_ticks(connection, job.id, values)
    return any(row.disposition is Disposition.RAN for row in rows)


def _run_or_not(  # one tick of one job
    context: Context,
    connection: Connection,
    job: Job,
    schedule: Schedule,
    attempt: _Attempt,
    tick: datetime,
) -> DecidedTick:
    now = context.now()
    if job.paused:
        return _row(job, tick, Disposition.PAUSED, now)
    if attempt.prepared is None or attempt.actor is None:
        return _row(job, tick, Disposition.REFUSED, now, reason=attempt.refusal)
    before = ticks.unfinished(connection, job.id) if schedule.overlap is not OverlapPolicy.QUEUE else []
    if before and schedule.overlap is OverlapPolicy.SKIP:
        return _row(job, tick, Disposition.OVERLAPPED, now)
    if schedule.overlap is OverlapPolicy.CANCEL_RUNNING:
        _cancel(context, connection, before)
    try:
        authorize(connection, attempt.actor, job.space_id, Permission.OPERATE_RUNS)
        run = job_runs.create(context, connection, attempt.actor, job, attempt.prepared, scheduled_for=tick)
    except GristmillError as error:
        return _row(job, tick, Disposition.REFUSED, now, reason=error.message)
    return _row(job, tick, Disposition.RAN, now, run_id=run.id)


def _cancel(context: Context, connection: Connection, run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        run = runs.get(connection, run_id)
        if run and run.state is not RunState.CANCELING:
            runs.advance(connection, run_id, RunEvent.CANCEL_REQUESTED, now=context.now(), actor="scheduler")


def _row(job: Job, tick: datetime, disposition: Disposition, now: datetime, **more: Any) -> DecidedTick:  # noqa: ANN401
    members: Mapping[str, Any] = {"job_id": job.id, "scheduled_for": tick, "decided_at": now, **more}
    return DecidedTick(disposition=disposition, **members)

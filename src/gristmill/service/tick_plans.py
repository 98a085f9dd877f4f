"""Plans of ticks: what due ticks would become, worked out for many jobs before anything is locked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gristmill.domain.errors import GristmillError
from gristmill.domain.job import Job
from gristmill.domain.schedule import Schedule
from gristmill.domain.schedule_document import of_document
from gristmill.domain.schedule_key import Standing, lacking_right
from gristmill.domain.tick import next_tick
from gristmill.domain.tick_due import Due, due
from gristmill.service import inline_tables, job_runs
from gristmill.service.context import Context
from gristmill.service.job_runs import Frozen
from gristmill.service.run_sources import RunSources
from gristmill.store import jobs, schedule_keys
from gristmill.store.database import Connection
from gristmill.store.ticks import TickKey

_MOST_TICKS = 200
"""Ticks in the plans of one transaction; a single job may have more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A job as it was looked at, its due ticks, and the run that each would be, or why there is none."""

    job: Job
    schedule: Schedule
    due: Due
    next_tick_at: datetime | None
    frozen: Frozen | None = None
    refusal: str | None = None

    @property
    def keys(self) -> list[TickKey]:
        """The due ticks."""
        return [(self.job.id, tick) for tick in (*self.due.missed, *self.due.run)]


def make(context: Context, job_ids: Sequence[str], now: datetime) -> tuple[list[Plan], Sequence[str]]:
    """Plan the first of these jobs, as many as one transaction should take; return the plans, and who is left."""
    with context.database.snapshot() as connection:
        there = {job.id: job for job in jobs.these(connection, job_ids)}
        plans: list[Plan] = []
        number = 0
        for position, job_id in enumerate(job_ids):
            plan = _plan(there.get(job_id), now)
            number += len(plan.keys) if plan else 0
            if plans and number > _MOST_TICKS:
                return _frozen(context, connection, plans), job_ids[position:]
            plans += [plan] if plan else []
        return _frozen(context, connection, plans), []


def let_go(context: Context, plans: Iterable[Plan], error: BaseException | None = None) -> None:
    """Remove the rows of runs that were not queued, because of ``error`` or because nothing was to run."""
    for plan in plans:
        if plan.frozen:
            inline_tables.discard(context, plan.frozen.spec.inline, error)


def _plan(job: Job | None, now: datetime) -> Plan | None:
    if job is None or job.schedule is None or job.next_tick_at is None or job.next_tick_at > now:
        return None
    schedule = of_document(job.schedule)
    found = due(schedule, job.decided_until or job.created_at, now)
    return Plan(job=job, schedule=schedule, due=found, next_tick_at=next_tick(schedule, now))


def _frozen(context: Context, connection: Connection, plans: Sequence[Plan]) -> list[Plan]:
    """Freeze a run for each plan that will need one."""
    standings = {one.job_id: one for one in schedule_keys.of_jobs(connection, [plan.job.id for plan in plans])}
    needed = {plan.job.id for plan in plans if plan.due.run and _may_run(plan.job, standings)}
    sources = RunSources(connection)
    sources.read_ahead([plan.job for plan in plans if plan.job.id in needed])
    done: list[Plan] = []
    try:
        for plan in plans:
            done.append(_with_run(context, sources, plan) if plan.job.id in needed else plan)  # noqa: PERF401
    except BaseException as error:
        let_go(context, done, error)
        raise
    return done


def _may_run(job: Job, standings: Mapping[str, Standing]) -> bool:
    standing = standings.get(job.id)
    return standing is not None and not (job.paused or standing.space_paused or lacking_right(standing))


def _with_run(context: Context, sources: RunSources, plan: Plan) -> Plan:
    try:
        return replace(plan, frozen=job_runs.freeze(context, sources, plan.job))
    except GristmillError as error:
        return replace(plan, refusal=error.message)

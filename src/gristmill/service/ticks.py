"""Ticks: what has come is decided for many jobs in one transaction, whoever notices it first."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gristmill.domain.disposition import DecidedTick, Disposition
from gristmill.domain.event import Event, EventKind, of_tick
from gristmill.domain.job import Job
from gristmill.domain.run import Run, RunEvent, RunState
from gristmill.domain.run_spec import RunSpec
from gristmill.domain.schedule import MissedPolicy, OverlapPolicy
from gristmill.domain.schedule_key import Standing, lacking_right
from gristmill.domain.tick_due import MOST_COUNTED
from gristmill.domain.tick_local import local_time
from gristmill.domain.user import Actor
from gristmill.service import job_runs, tick_plans
from gristmill.service.context import Context
from gristmill.service.tick_plans import Plan
from gristmill.store import events, runs, schedule_keys, ticks
from gristmill.store import jobs as job_store
from gristmill.store.database import Connection, ConstraintViolated
from gristmill.store.ticks import LocalTick, Mark, TickKey
from gristmill.telemetry import metrics

MOST_LISTED = 1_000
_FARTHEST = timedelta(hours=26)
"""How far apart the clocks of two zones can be, and so those of one zone under two versions of its data."""
_TOLD = {
    Disposition.MISSED: EventKind.TICK_MISSED,
    Disposition.REFUSED: EventKind.TICK_REFUSED,
    Disposition.OVERLAPPED: EventKind.TICK_OVERLAPPED,
}
_log = logging.getLogger("gristmill.schedules")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """How many of the jobs had a tick, and whether other schedulers were at the same ones."""

    jobs: int = 0
    met: bool = False

    def __add__(self, other: Decided) -> Decided:
        """Return both together."""
        return Decided(jobs=self.jobs + other.jobs, met=self.met or other.met)


def waiting(context: Context, *, after: Mark | None = None) -> list[Mark]:
    """Return up to `MOST_LISTED` jobs whose tick has come, the longest due first."""
    with context.database.snapshot() as connection:
        return ticks.due(connection, now=context.now(), limit=MOST_LISTED, after=after)


def decide(context: Context, job_ids: Sequence[str]) -> Decided:
    """Decide what has come of these jobs, together; if that fails, one by one.

    A job at which we fail must not keep the others from running. It keeps its ticks, and is tried again at the next
    step.
    """
    try:
        found = _decide_all(context, job_ids)
    except ConstraintViolated:
        # Somebody else was faster, and has decided it.
        _log.info("schedule.conflict", extra={"jobs": len(job_ids)})
    except Exception as error:  # noqa: BLE001 - see above
        if len(job_ids) == 1:
            _log.exception("schedule.failed", extra={"job": job_ids[0]})
        else:
            _log.warning("schedule.batch_failed", extra={"jobs": len(job_ids), "error": repr(error)})
    else:
        return found
    return sum((decide(context, [job_id]) for job_id in job_ids), Decided()) if len(job_ids) > 1 else Decided()


def _decide_all(context: Context, job_ids: Sequence[str]) -> Decided:
    left, found = job_ids, Decided()
    while left:
        now = context.now()
        plans, left = tick_plans.make(context, left, now)
        found += _carry_out(context, plans, now)
    return found


def _carry_out(context: Context, plans: Sequence[Plan], now: datetime) -> Decided:
    if not plans:
        return Decided()
    ran: set[str] = set()
    try:
        with context.database.transaction() as connection:
            current = {job.id: job for job in ticks.take(connection, [plan.job.id for plan in plans], now=now)}
            valid = [plan for plan in plans if _as_seen(plan.job, current.get(plan.job.id))]
            outcomes = _outcomes(context, connection, valid, now)
            _write(context, connection, outcomes, now)
            ran = {outcome.plan.job.id for outcome in outcomes if outcome.new}
    except BaseException as error:
        tick_plans.let_go(context, plans, error)
        raise
    tick_plans.let_go(context, [plan for plan in plans if plan.job.id not in ran])
    if outcomes:
        _count(context, [row for outcome in outcomes for row in outcome.rows])
        context.wake()
    return Decided(jobs=len(outcomes), met=len(current) < len(plans))


def _count(context: Context, decided: Sequence[DecidedTick]) -> None:
    for tick in decided:
        context.meters.count(metrics.TICKS, str(tick.disposition))
        if tick.disposition is Disposition.RAN:
            context.meters.observe(metrics.TICK_LATENESS, (tick.decided_at - tick.scheduled_for).total_seconds())


def _as_seen(seen: Job, current: Job | None) -> bool:
    """Tell whether the job is as it was when its run was frozen, and nobody else has decided its ticks since."""
    if current is None or current.version != seen.version:
        return False
    return (current.next_tick_at, current.decided_until) == (seen.next_tick_at, seen.decided_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of a plan: its ticks, the runs to queue, and the runs that these replace."""

    plan: Plan
    standing: Standing
    rows: list[DecidedTick] = field(default_factory=list)
    new: list[tuple[Run, RunSpec]] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the database knew of the plans' ticks and jobs, under their locks."""

    standings: Mapping[str, Standing]
    decided: set[TickKey]
    runs: Mapping[TickKey, str]
    unfinished: Mapping[str, Sequence[str]]
    ran_at: set[LocalTick]


def _outcomes(context: Context, connection: Connection, plans: Sequence[Plan], now: datetime) -> list[_Outcome]:
    if not plans:
        return []
    keys = [key for plan in plans for key in plan.keys]
    one_at_a_time = [plan.job.id for plan in plans if plan.schedule.overlap is not OverlapPolicy.QUEUE]
    standings = schedule_keys.of_jobs(connection, [plan.job.id for plan in plans])
    known = _Known(
        standings={standing.job_id: standing for standing in standings},
        decided=ticks.known(connection, keys),
        runs=ticks.runs_of(connection, keys),
        unfinished=ticks.unfinished(connection, one_at_a_time),
        ran_at=_ran_at(connection, plans),
    )
    return [_outcome(context, plan, known, now) for plan in plans if _can_decide(plan, known.standings[plan.job.id])]


def _ran_at(connection: Connection, plans: Sequence[Plan]) -> set[LocalTick]:
    """Return the due ticks' local times at which one has run before, when time zone data was another."""
    due = [(plan, tick) for plan in plans for tick in plan.due.run]
    local = [(plan.job.id, found) for plan, tick in due if (found := local_time(plan.schedule, tick))]
    return ticks.ran_at(connection, local, since=min(tick for _, tick in due) - _FARTHEST) if local else set()


def _can_decide(plan: Plan, standing: Standing) -> bool:
    """Tell whether a run was frozen if one is needed; one that got its rights back since waits for the next look."""
    may_run = not (plan.job.paused or standing.space_paused or lacking_right(standing))
    return bool(plan.frozen or plan.refusal or not plan.due.run or not may_run)


def _outcome(context: Context, plan: Plan, known: _Known, now: datetime) -> _Outcome:
    """Give every due tick that has none its disposition."""
    outcome = _Outcome(plan=plan, standing=known.standings[plan.job.id])
    for tick in plan.due.missed:
        if (plan.job.id, tick) not in known.decided:
            outcome.rows.append(_row(plan, tick, _passed(outcome), now))
    for tick in plan.due.run:
        if (plan.job.id, tick) not in known.decided:
            outcome.rows.append(_run_or_not(context, outcome, tick, known, now))
    if plan.due.dropped and outcome.rows:
        outcome.rows[0] = _with_dropped(outcome.rows[0], plan.due.dropped)
    if plan.schedule.overlap is OverlapPolicy.CANCEL_RUNNING and outcome.new:
        before = known.unfinished[plan.job.id]
        outcome.canceled.extend([*before, *(run.id for run, _ in outcome.new[:-1])])
    return outcome


def _passed(outcome: _Outcome) -> Disposition:
    """Return what became of ticks that are not run: only under one policy does a later one run for them."""
    if _paused(outcome):
        return Disposition.PAUSED
    merged = outcome.plan.schedule.missed is MissedPolicy.LAST and outcome.plan.due.run
    return Disposition.MERGED if merged else Disposition.MISSED


def _with_dropped(oldest: DecidedTick, dropped: int) -> DecidedTick:
    """Note with the oldest tick how many before it are too many to have rows of their own."""
    number = f"{dropped} or more" if dropped >= MOST_COUNTED else f"{dropped}"
    note = f"{number} ticks before it are not listed one by one, and did not run."
    return replace(oldest, reason=f"{oldest.reason} {note}" if oldest.reason else note)


def _run_or_not(context: Context, outcome: _Outcome, tick: datetime, known: _Known, now: datetime) -> DecidedTick:
    plan, job_id = outcome.plan, outcome.plan.job.id
    there = known.runs.get((job_id, tick))
    if there:
        return _row(plan, tick, Disposition.RAN, now, run_id=there)
    if _paused(outcome):
        return _row(plan, tick, Disposition.PAUSED, now)
    if (job_id, local_time(plan.schedule, tick)) in known.ran_at:
        return _row(plan, tick, Disposition.MERGED, now, reason="It ran at this local time, before the zone's changed.")
    lacking = lacking_right(outcome.standing)
    if lacking or plan.frozen is None:
        return _row(plan, tick, Disposition.REFUSED, now, reason=lacking.reason if lacking else plan.refusal)
    if plan.schedule.overlap is OverlapPolicy.SKIP and (known.unfinished[job_id] or outcome.new):
        return _row(plan, tick, Disposition.OVERLAPPED, now, reason="The run before it has not ended.")
    run = _run(context, outcome, tick)
    outcome.new.append((run, plan.frozen.spec))
    return _row(plan, tick, Disposition.RAN, now, run_id=run.id)


def _paused(outcome: _Outcome) -> bool:
    return outcome.plan.job.paused or outcome.standing.space_paused


def _run(context: Context, outcome: _Outcome, tick: datetime) -> Run:
    standing, frozen = outcome.standing, outcome.plan.frozen
    assert standing.user_id, "who has the right to run is there"
    assert standing.user_name, "who has the right to run is there"
    assert frozen, "only what was frozen runs"
    actor = Actor(user_id=standing.user_id, user_name=standing.user_name)
    run = job_runs.new_run(context, actor, outcome.plan.job, name=frozen.name, kind=frozen.spec.kind)
    return replace(run, scheduled_for=tick)


def _row(
    plan: Plan,
    tick: datetime,
    disposition: Disposition,
    now: datetime,
    *,
    run_id: str | None = None,
    reason: str | None = None,
) -> DecidedTick:
    return DecidedTick(
        job_id=plan.job.id,
        scheduled_for=tick,
        disposition=disposition,
        decided_at=now,
        run_id=run_id,
        reason=reason,
        local_time=local_time(plan.schedule, tick),
    )


def _write(context: Context, connection: Connection, outcomes: Sequence[_Outcome], now: datetime) -> None:
    new = [pair for outcome in outcomes for pair in outcome.new]
    ticks.lock_lanes(connection, [run.lane_id for run, _ in new])
    job_runs.queue(connection, new)
    for outcome in outcomes:
        _cancel(context, connection, outcome.canceled)
    ticks.decide(connection, [row for outcome in outcomes for row in outcome.rows])
    events.record(connection, [event for outcome in outcomes for event in _events(outcome, now)])
    next_ticks = {outcome.plan.job.id: outcome.plan.next_tick_at for outcome in outcomes}
    job_store.note_ticks(connection, next_ticks, until=now)


def _cancel(context: Context, connection: Connection, run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        run = runs.get(connection, run_id)
        if run and run.state is not RunState.CANCELING:
            runs.advance(connection, run_id, RunEvent.CANCEL_REQUESTED, now=context.now(), actor="scheduler")


def _events(outcome: _Outcome, now: datetime) -> Iterator[Event]:
    """Yield one event for all the ticks of the job that came to the same bad end."""
    for disposition, kind in _TOLD.items():
        rows = [row for row in outcome.rows if row.disposition is disposition]
        missed = disposition is Disposition.MISSED and _passed(outcome) is disposition
        count = len(rows) + (outcome.plan.due.dropped if missed and outcome.rows else 0)
        if count:
            yield _event(outcome.plan.job, kind, (rows or outcome.rows[:1])[-1], count=count, at=now)


def _event(job: Job, kind: EventKind, newest: DecidedTick, *, count: int, at: datetime) -> Event:
    return Event(
        subject=of_tick(job.id, newest.scheduled_for),
        kind=kind,
        space_id=job.space_id,
        job_id=job.id,
        at=at,
        document={
            "job_name": job.name,
            "scheduled_for": newest.scheduled_for.isoformat(),
            "reason": newest.reason,
            "count": count,
        },
    )

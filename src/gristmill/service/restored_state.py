"""What a restored database needs before anybody works on it: the time since the backup has been lived by others."""

from __future__ import annotations

from datetime import datetime

from gristmill.domain.backup import Backup
from gristmill.domain.disposition import DecidedTick, Disposition
from gristmill.domain.errors import Invalid
from gristmill.domain.job import Job
from gristmill.domain.schedule_document import of_document
from gristmill.domain.tick import next_tick
from gristmill.domain.tick_due import due
from gristmill.domain.tick_local import local_time
from gristmill.service import events, rescues
from gristmill.service.context import Context
from gristmill.service.ticks import waiting
from gristmill.store import claims as claim_store
from gristmill.store import deliveries, heartbeats, jobs, sessions, spaces, ticks, workers
from gristmill.store.database import Connection

_JOBS_AT_ONCE = 50


def settle(context: Context, found: Backup, *, makes_up_ticks: bool = False, pauses: bool = False) -> None:
    """Bring the state of a database from that of the backup to now. It may be called again.

    Messages that waited then may have been sent since, so they are not sent; their inbox rows are made. Workers and
    sessions of then are gone; runs that were at work wait again, or end where their code may not be repeated. Ticks
    that came since may have run elsewhere, so they are noted as missed, unless ``makes_up_ticks`` leaves them to the
    policy of their schedule. Runs that waited then may have been done since, too: with ``pauses`` every space
    is paused, and nothing starts until somebody has looked.
    """
    when = f"{found.made_at:%Y-%m-%d %H:%M} UTC"
    while events.route(context):
        pass
    with context.database.transaction() as connection:
        deliveries.give_up(
            connection, context.now(), f"Not sent: restored from the backup of {when}; it may have been sent since."
        )
        workers.remove_all(connection)
        sessions.remove_all(connection)
        claim_store.expire_all(connection)
        if pauses:
            spaces.pause_all(connection)
    rescues.rescue(context, why=f"is gone, because the server was restored from the backup of {when},")
    if not makes_up_ticks:
        _pass_over_ticks(context, f"The server was restored from the backup of {when}; it may have run before.")
    # Last of all: until then the restore may be repeated.
    with context.database.transaction() as connection:
        heartbeats.forget(connection, found.hold)


def is_unsettled(connection: Connection, found: Backup) -> bool:
    """Tell whether a database was loaded from this very backup, and not settled to the end."""
    return heartbeats.seen_at(connection, found.hold) is not None


def _pass_over_ticks(context: Context, reason: str) -> None:
    mark = None
    while listed := waiting(context, after=mark):
        mark = listed[-1]
        ids = [job_id for _, job_id in listed]
        for start in range(0, len(ids), _JOBS_AT_ONCE):
            _pass_over(context, ids[start : start + _JOBS_AT_ONCE], reason)


def _pass_over(context: Context, job_ids: list[str], reason: str) -> None:
    now = context.now()
    next_ticks: dict[str, datetime | None] = {}
    rows: list[DecidedTick] = []
    with context.database.transaction() as connection:
        for job in ticks.take(connection, job_ids, now=now):
            try:
                next_ticks[job.id] = _missed(job, now, reason, rows)
            except Invalid:
                # A schedule that is none keeps what it has, here as with the scheduler.
                continue
        known = ticks.known(connection, [(row.job_id, row.scheduled_for) for row in rows])
        ticks.decide(connection, [row for row in rows if (row.job_id, row.scheduled_for) not in known])
        jobs.note_ticks(connection, next_ticks, until=now)


def _missed(job: Job, now: datetime, reason: str, rows: list[DecidedTick]) -> datetime | None:
    schedule = of_document(job.schedule or {})
    found = due(schedule, job.decided_until or job.created_at, now)
    rows += [
        DecidedTick(
            job_id=job.id,
            scheduled_for=tick,
            disposition=Disposition.MISSED,
            decided_at=now,
            reason=reason,
            local_time=local_time(schedule, tick),
        )
        for tick in sorted({*found.missed, *found.run})
    ]
    return next_tick(schedule, now)

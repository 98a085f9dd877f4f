"""Keys of schedules: an API key each, made for whoever sets the schedule; and telling of schedules that break."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gristmill.domain.event import Event, EventKind
from gristmill.domain.schedule_key import Breakage, Standing, breakage, key_name, subject_of
from gristmill.domain.user import Actor, ApiKey
from gristmill.service.context import Context
from gristmill.store import api_keys, events, schedule_keys
from gristmill.store.database import Connection

AHEAD = timedelta(hours=1)
"""How long before its tick a schedule that broke by itself is told of."""
_MOST_TOLD = 300
"""In one transaction; the others are told by `look_ahead`, before their tick comes."""


def make(context: Context, connection: Connection, actor: Actor, job_name: str) -> str:
    """Make the key of a schedule that the actor sets, and return its id. Its secret is known to nobody."""
    name, now = key_name(job_name), context.now()
    key = ApiKey(id=context.new_id(), user_id=actor.user_id, name=name, hint="", created_at=now)
    api_keys.insert(connection, key, context.secrets.digest(secrets.token_urlsafe(32)))
    return key.id


def stands(connection: Connection, job_id: str) -> bool:
    """Tell whether nothing that the job's schedule needs is gone, its key for one."""
    return all(breakage(standing) is None for standing in schedule_keys.of_jobs(connection, [job_id]))


def revoke(context: Context, connection: Connection, job_id: str) -> None:
    """End the key of a job's schedule, if it has one. Others who change the schedule wait, and find the new key."""
    key_id = schedule_keys.lock(connection, job_id)
    if key_id:
        api_keys.revoke(connection, key_id, context.now())


def revoke_with_deployment(context: Context, connection: Connection, deployment_id: str) -> None:
    """End the keys of all schedules that run a deployment, which is being deleted."""
    for key_id in schedule_keys.of_deployment(connection, deployment_id):
        api_keys.revoke(connection, key_id, context.now())


@contextmanager
def telling(context: Context, connection: Connection, user_id: str, *, space_id: str | None = None) -> Iterator[None]:
    """Record an event for each schedule that the block breaks by taking something from this user."""
    before = schedule_keys.of_user(connection, user_id, space_id=space_id, limit=_MOST_TOLD)
    names = {standing.job_id: standing.user_name for standing in before if breakage(standing) is None}
    yield
    if names:
        now = context.now()
        broken = _broken(schedule_keys.of_jobs(connection, list(names)))
        # The user itself may be what is gone.
        told = [(replace(standing, user_name=names[standing.job_id]), why) for standing, why in broken]
        events.record(connection, [_event(standing, why, now, since=now) for standing, why in told])


def look_ahead(context: Context) -> int:
    """Tell of schedules that would be refused within the next hour; return how many were found.

    What breaks them unnoticed are deletions of assets, deployments and definitions.
    """
    now = context.now()
    with context.database.snapshot() as connection:
        found = schedule_keys.broken_soon(connection, after=now, until=now + AHEAD, limit=_MOST_TOLD)
    if found:
        with context.database.transaction() as connection:
            again = schedule_keys.of_jobs(connection, [standing.job_id for standing in found])
            # The tick names the breakage: several servers look at the same moment, and one event is enough.
            events.record(
                connection, [_event(one, why, now, since=one.next_tick_at or now) for one, why in _broken(again)]
            )
    return len(found)


def _broken(found: Sequence[Standing]) -> list[tuple[Standing, Breakage]]:
    return [(standing, why) for standing in found if (why := breakage(standing))]


def _event(standing: Standing, broken: Breakage, now: datetime, *, since: datetime) -> Event:
    next_tick = standing.next_tick_at
    document: Mapping[str, Any] = {
        "job_name": standing.job_name,
        "reason": broken.reason,
        "next_tick_at": next_tick.isoformat() if next_tick else None,
        "user_name": standing.user_name,
        "schedule": True,
    }
    return Event(
        subject=subject_of(standing, broken, since),
        kind=EventKind.SCHEDULE_BROKEN,
        space_id=standing.space_id,
        job_id=standing.job_id,
        at=now,
        document=document,
    )

"""From an event to whom it reaches: alarms that go off, and the deliveries and inbox rows that are made of an event."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from gristmill.domain.channel import ChannelType
from gristmill.domain.delivery import LINEAGE_SINK, Delivery
from gristmill.domain.event import Event
from gristmill.domain.notification import Receivers, audience_of, receivers
from gristmill.domain.user import User
from gristmill.service import channels
from gristmill.service.context import Context
from gristmill.store import alarms, deliveries, events, inbox, jobs, members, users
from gristmill.store import channels as channel_store
from gristmill.store.database import Connection

_AT_ONCE = 25
"""A batch holds the write lock of SQLite for some 50 ms; nobody should wait longer for it."""
_log = logging.getLogger("gristmill.events")


def sound_alarms(context: Context) -> int:
    """Record an event for each run that has waited or worked for too long; returns how many alarms were due."""
    now = context.now()
    with context.database.snapshot() as connection:
        if not alarms.any_due(connection, now):
            return 0
    with context.database.transaction() as connection:
        return alarms.sound(connection, now, limit=_AT_ONCE)


def route(context: Context) -> int:
    """Make deliveries and inbox rows of the next events, in one transaction; returns how many events those were."""
    with context.database.snapshot() as connection:
        waiting = events.unrouted(connection, limit=_AT_ONCE)
    if not waiting:
        return 0
    try:
        return _route(context, waiting)
    except Exception:  # noqa: BLE001 - logged; whatever one event is about, the others must not wait for it
        _log.exception("events.not_routed")
        return sum(_route_one(context, event_id) for event_id in waiting)


def _route_one(context: Context, event_id: str) -> int:
    try:
        return _route(context, [event_id])
    except Exception:  # noqa: BLE001 - as above; it is tried again at the next step
        _log.exception("event.not_routed", extra={"event": event_id})
        return 0


def _route(context: Context, event_ids: Sequence[str]) -> int:
    with context.database.transaction() as connection:
        found = events.take(connection, event_ids)
        for event in found:
            _tell(context, connection, event)
        events.mark_routed(connection, found, context.now())
    return len(found)


def _tell(context: Context, connection: Connection, event: Event) -> None:
    reached = receivers(event, event.audience or _audience(connection, event))
    known = users.some(connection, [*reached.asked, *reached.always])
    there = {user.id: user for user in known if not user.disabled}
    asked = [there[user_id] for user_id in reached.asked if user_id in there]
    asked = [user for user in asked if members.role(connection, event.space_id, user.id)]
    always = [user_id for user_id in reached.always if user_id in there]
    if reached.always and not always:
        # Nobody is left of those who must not miss it; the space still has admins.
        always = list(members.admins(connection, event.space_id))
    inbox.add(connection, event, list(dict.fromkeys([*(user.id for user in asked), *always])))
    deliveries.add(connection, _deliveries(context, connection, event, reached, asked))


def _audience(connection: Connection, event: Event) -> Mapping[str, Any]:
    job = jobs.get(connection, event.job_id) if event.job_id else None
    return audience_of(job) if job else {}


def _deliveries(
    context: Context, connection: Connection, event: Event, reached: Receivers, asked: Sequence[User]
) -> list[Delivery]:
    places: dict[str, str | None] = {}
    for channel in channel_store.some(connection, event.space_id, list(reached.channels)):
        mail = channel.type is ChannelType.EMAIL
        places |= {target.lower() if mail else target: channel.id for target in channels.targets(channel)}
    outside = [address.lower() for address in reached.addresses]
    if context.outlets.sends_mail:
        outside += [user.email.lower() for user in asked if user.email]
    if event.lineage and context.outlets.lineage:
        places[LINEAGE_SINK] = None
    places = {**dict.fromkeys(outside), **places}
    now = context.now()
    return [
        Delivery(id=context.new_id(), event_id=event.id, target=target, channel_id=channel_id, next_attempt_at=now)
        for target, channel_id in places.items()
    ]

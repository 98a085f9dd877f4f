"""Delivering: taken up in one short transaction, sent outside of any, and settled in another one.

Whoever is killed between the two leaves a delivery that is due again later: each message gets through at least once,
and carries the event's id, by which receivers tell a repetition.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gristmill.deliver.channel import DeliveryFailed, Message
from gristmill.domain import message as messages
from gristmill.domain.channel import ChannelType, NotificationChannel
from gristmill.domain.delivery import LINEAGE_SINK, MAIL, Attempt, Delivery, DeliveryEntry, DeliveryState, settled
from gristmill.domain.errors import GristmillError
from gristmill.domain.event import Event, EventKind, of_undelivered
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import channels, jobs
from gristmill.service.context import Context
from gristmill.store import channels as channel_store
from gristmill.store import deliveries, events, spaces
from gristmill.store import jobs as job_store
from gristmill.store.database import Connection
from gristmill.telemetry import metrics

MOST_AT_ONCE_TO_A_SINK = 2
MOST_AT_ONCE_BY_MAIL = 4
LEASE = timedelta(minutes=5)
"""Longer than any attempt can take by the adapters' own time-outs."""
_LONGEST_ERROR = 1_000
_log = logging.getLogger("gristmill.deliveries")


def take(context: Context, *, free: int, at_work: Mapping[str, int]) -> list[Delivery]:
    """Take up to ``free`` due deliveries, no more to one sink than it may have at once.

    ``at_work`` tells how many this process is sending to each sink now.
    """
    now = context.now()
    taken: list[Delivery] = []
    load = Counter(at_work)
    with context.database.transaction() as connection:
        while len(taken) < free:
            busy = [sink for sink, number in load.items() if number >= _most(sink)]
            delivery = deliveries.take(connection, now=now, until=now + LEASE, busy=busy)
            if delivery is None:
                break
            taken.append(delivery)
            load[delivery.sink] += 1
    return taken


def any_due(context: Context) -> bool:
    """Tell whether there may be something to send, without a writing transaction."""
    with context.database.snapshot() as connection:
        return deliveries.any_due(connection, context.now())


def send(context: Context, delivery: Delivery) -> None:
    """Make one attempt at a delivery, and write what became of it."""
    begun = time.monotonic()
    failure = _send(context, delivery)
    attempt = Attempt(at=context.now(), milliseconds=int((time.monotonic() - begun) * 1000), **failure)
    after = settled(delivery, attempt, context.now(), chance=random.random())
    with context.database.transaction() as connection:
        counted = deliveries.settle(connection, after, attempt)
        if counted and after.state is DeliveryState.FAILED and delivery.sink != LINEAGE_SINK:
            _tell_owner(context, connection, after, attempt)
    context.meters.count(metrics.DELIVERY_ATTEMPTS, str(after.state) if counted else "superseded")
    told = {"delivery": delivery.id, "attempt": delivery.attempts, "state": str(after.state), "error": attempt.error}
    _log.log(logging.WARNING if attempt.error else logging.INFO, "delivery.attempted", extra=told)


def page(context: Context, actor: Actor, job_id: str, *, limit: int, start: str | None = None) -> Page[DeliveryEntry]:
    """List what was told, or is still to be told, about a job, and how that went."""
    with context.database.snapshot() as connection:
        job = jobs.visible(connection, actor, job_id, Permission.VIEW)
        return deliveries.page(connection, job.id, limit=limit, start=start)


def page_of_channel(
    context: Context, actor: Actor, channel_id: str, *, limit: int, start: str | None = None
) -> Page[DeliveryEntry]:
    """List what went, or is still to go, over a channel, and how that went."""
    channel = channels.get(context, actor, channel_id)
    with context.database.snapshot() as connection:
        return deliveries.page_of_channel(connection, channel.id, limit=limit, start=start)


def _most(sink: str) -> int:
    return MOST_AT_ONCE_BY_MAIL if sink == MAIL else MOST_AT_ONCE_TO_A_SINK


def _send(context: Context, delivery: Delivery) -> dict[str, Any]:
    """Return how it failed, nothing where it got through."""
    try:
        with context.database.snapshot() as connection:
            event = events.get(connection, delivery.event_id)
            channel = channel_store.get(connection, delivery.channel_id) if delivery.channel_id else None
            message = _message(context, connection, event) if event else None
        if event is None or message is None:
            return {"error": "The event is gone.", "permanent": True}
        if delivery.sink == LINEAGE_SINK:
            _send_lineage(context, event)
            return {}
        kind, settings = _way(context, delivery, channel)
        context.outlets.channel(kind, settings).send(message)
    except DeliveryFailed as failed:
        error = str(failed)[:_LONGEST_ERROR]
        return {"error": error, "permanent": failed.permanent, "retry_after_seconds": failed.retry_after_seconds}
    except GristmillError as refused:
        return {"error": refused.message[:_LONGEST_ERROR], "permanent": True}
    except Exception as error:  # noqa: BLE001 - an attempt that broke is one that failed
        # Whatever it says may hold a secret, so only its kind is told.
        _log.error("delivery.broken", extra={"delivery": delivery.id, "kind": type(error).__name__})
        return {"error": f"The message could not be sent: {type(error).__name__}."}
    return {}


def _send_lineage(context: Context, event: Event) -> None:
    if context.outlets.lineage is None:
        # Set at the server that routed the event, and not at this one, yet.
        raise DeliveryFailed("This server has no place for lineage. Set GRISTMILL_LINEAGE.", permanent=False)
    context.outlets.lineage.send(event.lineage or {})


def _way(
    context: Context, delivery: Delivery, channel: NotificationChannel | None
) -> tuple[ChannelType, Mapping[str, Any]]:
    if channel is None or channel.type is ChannelType.EMAIL:
        return ChannelType.EMAIL, {"address": delivery.target}
    return channel.type, channels.opened(context, channel)


def _message(context: Context, connection: Connection, event: Event) -> Message:
    space = spaces.get(connection, event.space_id)
    job = job_store.get(connection, event.job_id) if event.job_id else None
    names = {"space_id": event.space_id, "job_id": event.job_id, "run_id": event.run_id}
    document = {**names, "space_name": space.name if space else None, **event.told}
    described = replace(event, document=document)
    zone = job.schedule.get("zone") if job and job.schedule else None
    return Message(
        event_id=event.id,
        kind=str(event.kind),
        title=messages.title(described),
        text=messages.text(described, zone=zone, public_url=context.outlets.public_url),
        html=None,
        document={name: value for name, value in document.items() if value is not None},
        at=event.at,
    )


def _tell_owner(context: Context, connection: Connection, delivery: Delivery, attempt: Attempt) -> None:
    """Put a note into the inbox of the job's owner; notes go nowhere else, so there is no end to be feared."""
    event = events.get(connection, delivery.event_id)
    if event is None:
        return
    channel = channel_store.get(connection, delivery.channel_id) if delivery.channel_id else None
    now = context.now()
    note = Event(
        subject=of_undelivered(event.job_id, delivery.target, now.date()),
        kind=EventKind.UNDELIVERED,
        space_id=event.space_id,
        job_id=event.job_id,
        at=now,
        document={
            "job_name": event.document.get("job_name"),
            "reason": f"{messages.title(event)}. {attempt.error}",
            "target": channel.name if channel else delivery.target,
            "event_id": event.id,
        },
        audience=event.audience,
    )
    events.record(connection, [note])

"""Deliveries: taken up by one sender at a time, and the log of their attempts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, and_, func, insert, literal, or_, select, tuple_, update

from gristmill.domain.delivery import LINEAGE_SINK, MAIL, Attempt, Delivery, DeliveryEntry, DeliveryState
from gristmill.domain.event import EventKind
from gristmill.domain.page import Page
from gristmill.store.column_types import Instant
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, insert_new, read_mark, values_of, write_mark
from gristmill.store.schema import channels, deliveries, delivery_attempts, events

_COLUMNS = columns_of(deliveries, Delivery)
_OF_CHANNEL = and_(deliveries.c.channel_id.is_not(None), deliveries.c.target == deliveries.c.channel_id)
_LINEAGE = deliveries.c.target == LINEAGE_SINK
_NOT_BY_MAIL = or_(_OF_CHANNEL, _LINEAGE)


def add(connection: Connection, made: Sequence[Delivery]) -> None:
    """Insert deliveries; an event that goes to a place already does not go there again."""
    rows = [values_of(delivery, deliveries) for delivery in made]
    insert_new(connection, deliveries, rows, key=["event_id", "target"])


def any_due(connection: Connection, now: datetime) -> bool:
    """Tell whether a delivery is due."""
    query = select(deliveries.c.id).where(deliveries.c.next_attempt_at <= now).limit(1)
    return connection.execute(query).first() is not None


def take(connection: Connection, *, now: datetime, until: datetime, busy: Collection[str]) -> Delivery | None:
    """Take up the delivery that is due longest, but for those to sinks that are ``busy``.

    Until ``until`` it is its taker's; then others take the taker for dead.
    """
    query = select(*_COLUMNS).where(deliveries.c.next_attempt_at <= now, *_not_to(busy))
    query = query.order_by(deliveries.c.next_attempt_at).limit(1).with_for_update(skip_locked=True)
    row = connection.execute(query).first()
    if row is None:
        return None
    taken = _delivery(row)
    begun = replace(taken, attempts=taken.attempts + 1, next_attempt_at=until)
    values = {"attempts": begun.attempts, "next_attempt_at": until}
    connection.execute(update(deliveries).where(deliveries.c.id == taken.id).values(**values))
    return begun


def settle(connection: Connection, delivery: Delivery, attempt: Attempt) -> bool:
    """Write an attempt and what became of the delivery; False if somebody else has taken it up since."""
    values = {"at": attempt.at, "milliseconds": attempt.milliseconds, "error": attempt.error}
    row = {"delivery_id": delivery.id, "number": delivery.attempts, **values}
    ours = (deliveries.c.id == delivery.id, deliveries.c.attempts == delivery.attempts)
    waits = deliveries.c.state == str(DeliveryState.WAITING)
    became = {"state": str(delivery.state), "next_attempt_at": delivery.next_attempt_at}
    statement = update(deliveries).where(*ours, waits).values(**became, delivered_at=delivery.delivered_at)
    if connection.execute(statement).rowcount != 1:
        return False
    insert_new(connection, delivery_attempts, [row], key=["delivery_id", "number"])
    return True


def give_up(connection: Connection, now: datetime, error: str) -> int:
    """Let all deliveries that wait, or are under way, fail for this reason; return how many those were."""
    waits = deliveries.c.state == str(DeliveryState.WAITING)
    attempt = select(
        deliveries.c.id, deliveries.c.attempts + 1, literal(now, Instant), literal(0), literal(error, Text)
    )
    into = ["delivery_id", "number", "at", "milliseconds", "error"]
    connection.execute(insert(delivery_attempts).from_select(into, attempt.where(waits)))
    became = {"state": str(DeliveryState.FAILED), "attempts": deliveries.c.attempts + 1, "next_attempt_at": None}
    return connection.execute(update(deliveries).where(waits).values(**became)).rowcount


def page(connection: Connection, job_id: str, *, limit: int, start: str | None = None) -> Page[DeliveryEntry]:
    """List the deliveries of a job's events to people, the newest event first, with their number."""
    return _page(connection, and_(events.c.job_id == job_id, ~_LINEAGE), limit=limit, start=start)


def page_of_channel(
    connection: Connection, channel_id: str, *, limit: int, start: str | None = None
) -> Page[DeliveryEntry]:
    """List what went, or is to go, over a channel, in the same way."""
    return _page(connection, deliveries.c.channel_id == channel_id, limit=limit, start=start)


def _page(connection: Connection, of: ColumnElement[bool], *, limit: int, start: str | None) -> Page[DeliveryEntry]:
    joined = deliveries.join(events, events.c.id == deliveries.c.event_id)
    where = [of]
    total = connection.execute(select(func.count()).select_from(joined).where(*where)).scalar_one()
    key = (events.c.at, deliveries.c.id)
    if start:
        where.append(tuple_(*key) < tuple_(*read_mark(start)))
    others = delivery_attempts.alias()
    newest = select(func.max(others.c.number)).where(others.c.delivery_id == deliveries.c.id).scalar_subquery()
    last = and_(delivery_attempts.c.delivery_id == deliveries.c.id, delivery_attempts.c.number == newest)
    columns = [*_COLUMNS, events.c.kind, events.c.run_id, events.c.at, channels.c.name.label("channel_name")]
    columns += [delivery_attempts.c.error, delivery_attempts.c.at.label("last_attempt_at")]
    source = joined.outerjoin(channels, channels.c.id == deliveries.c.channel_id).outerjoin(delivery_attempts, last)
    query = select(*columns).select_from(source).where(*where).order_by(*(column.desc() for column in key))
    rows = connection.execute(query.limit(limit + 1)).all()
    mark = write_mark(rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=[_entry(row) for row in rows[:limit]], next=mark, total=total)


def _not_to(busy: Collection[str]) -> list[ColumnElement[bool]]:
    targets = [sink for sink in busy if sink != MAIL]
    others: list[ColumnElement[bool]] = [deliveries.c.target.not_in(targets)] if targets else []
    return [*others, _NOT_BY_MAIL] if MAIL in busy else others


def _delivery(row: Row[Any]) -> Delivery:
    values = row._mapping  # noqa: SLF001 - public API of Row
    members = {column.name: values[column.name] for column in _COLUMNS}
    return Delivery(**{**members, "state": DeliveryState(members["state"])})


def _entry(row: Row[Any]) -> DeliveryEntry:
    return DeliveryEntry(
        delivery=_delivery(row),
        kind=EventKind(row.kind),
        run_id=row.run_id,
        at=row.at,
        channel_name=row.channel_name,
        error=row.error,
        last_attempt_at=row.last_attempt_at,
    )

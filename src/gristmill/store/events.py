"""Events, written in the transaction that makes them true, and taken up by whoever tells people of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from gristmill.domain.event import Event, EventKind
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, insert_new
from gristmill.store.schema import events

_COLUMNS = columns_of(events, Event)


def record(connection: Connection, happened: Sequence[Event]) -> None:
    """Write events; one whose subject is there already changes nothing."""
    rows = [
        {"id": event.id, **{field.name: getattr(event, field.name) for field in fields(event)}} for event in happened
    ]
    insert_new(connection, events, rows, key=["subject"])


def get(connection: Connection, event_id: str) -> Event | None:
    """Return an event."""
    row = connection.execute(select(*_COLUMNS).where(events.c.id == event_id)).first()
    return event_of(row) if row else None


def unrouted(connection: Connection, *, limit: int) -> list[str]:
    """Return the ids of events of which no deliveries were made yet, the oldest first."""
    query = select(events.c.id).where(events.c.routed_at.is_(None)).order_by(events.c.at).limit(limit)
    return list(connection.execute(query).scalars())


def take(connection: Connection, event_ids: Sequence[str]) -> list[Event]:
    """Return those of these events that are still to be routed, and keep others from taking them up."""
    query = select(*_COLUMNS).where(events.c.id.in_(event_ids), events.c.routed_at.is_(None)).order_by(events.c.at)
    return [event_of(row) for row in connection.execute(query.with_for_update(skip_locked=True))]


def mark_routed(connection: Connection, happened: Sequence[Event], now: datetime) -> None:
    """Note that their deliveries were made."""
    ids = [event.id for event in happened]
    connection.execute(update(events).where(events.c.id.in_(ids)).values(routed_at=now))


def event_of(row: Row[Any]) -> Event:
    """Return the event of a row that has its columns; others are left aside."""
    values = row._mapping  # noqa: SLF001 - public API of Row
    members = {field.name: values[field.name] for field in fields(Event)}
    return Event(**{**members, "kind": EventKind(members["kind"])})

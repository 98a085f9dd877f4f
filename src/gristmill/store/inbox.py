"""Everyone's inbox: which events a user is told of here, and which of them it has read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, tuple_, update

from gristmill.domain.event import Event
from gristmill.domain.page import Page
from gristmill.store.database import Connection
from gristmill.store.events import event_of
from gristmill.store.rows import columns_of, insert_new, read_mark, write_mark
from gristmill.store.schema import events, inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEntry:
    """An event in somebody's inbox."""

    event: Event
    read_at: datetime | None


def add(connection: Connection, event: Event, user_ids: Sequence[str]) -> None:
    """Put an event into these inboxes; where it is already, it stays as it is."""
    rows = [{"user_id": user_id, "event_id": event.id, "at": event.at} for user_id in user_ids]
    insert_new(connection, inbox, rows, key=["user_id", "event_id"])


def page(
    connection: Connection, user_id: str, *, limit: int, start: str | None = None, unread: bool = False
) -> Page[InboxEntry]:
    """List a user's inbox, the newest first, with the number of all that the filter lets through."""
    where = [inbox.c.user_id == user_id, *([inbox.c.read_at.is_(None)] if unread else [])]
    total = _count(connection, where)
    key = (inbox.c.at, inbox.c.event_id)
    if start:
        where.append(tuple_(*key) < tuple_(*read_mark(start)))
    columns = [*columns_of(events, Event), inbox.c.read_at, inbox.c.event_id]
    query = select(*columns).join(events, events.c.id == inbox.c.event_id).where(*where)
    rows = connection.execute(query.order_by(*(column.desc() for column in key)).limit(limit + 1)).all()
    items = [_entry(row) for row in rows[:limit]]
    mark = write_mark(rows[limit - 1].at, rows[limit - 1].event_id) if len(rows) > limit else None
    return Page(items=items, next=mark, total=total)


def unread_count(connection: Connection, user_id: str) -> int:
    """Return how many events of a user's inbox are unread."""
    return _count(connection, [inbox.c.user_id == user_id, inbox.c.read_at.is_(None)])


def get(connection: Connection, user_id: str, event_id: str) -> InboxEntry | None:
    """Return an event of a user's inbox."""
    columns = [*columns_of(events, Event), inbox.c.read_at]
    query = select(*columns).join(events, events.c.id == inbox.c.event_id)
    row = connection.execute(query.where(inbox.c.user_id == user_id, inbox.c.event_id == event_id)).first()
    return _entry(row) if row else None


def mark_read(connection: Connection, user_id: str, now: datetime, *, event_id: str | None = None) -> int:
    """Note that a user has read an event, or all of them; returns how many were unread until now."""
    where = [
        inbox.c.user_id == user_id,
        inbox.c.read_at.is_(None),
        *([inbox.c.event_id == event_id] if event_id else []),
    ]
    return connection.execute(update(inbox).where(*where).values(read_at=now)).rowcount


def _count(connection: Connection, where: Sequence[ColumnElement[bool]]) -> int:
    return int(connection.execute(select(func.count()).select_from(inbox).where(*where)).scalar_one())


def _entry(row: Row[Any]) -> InboxEntry:
    return InboxEntry(event=event_of(row), read_at=row.read_at)

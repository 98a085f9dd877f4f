"""Channels of spaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from gristmill.domain.channel import ChannelType, NotificationChannel
from gristmill.domain.page import Page
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import channels

_COLUMNS = columns_of(channels, NotificationChannel)


def create(connection: Connection, channel: NotificationChannel) -> None:
    """Insert a channel. Raises ConstraintViolated when its name is taken in its space."""
    connection.execute(insert(channels).values(**values_of(channel, channels)))


def get(connection: Connection, channel_id: str) -> NotificationChannel | None:
    """Return a channel."""
    row = connection.execute(select(*_COLUMNS).where(channels.c.id == channel_id)).first()
    return _channel(row) if row else None


def named(connection: Connection, space_id: str, name: str) -> NotificationChannel | None:
    """Return the channel of a space with this name."""
    row = connection.execute(select(*_COLUMNS).where(channels.c.space_id == space_id, channels.c.name == name)).first()
    return _channel(row) if row else None


def some(connection: Connection, space_id: str, channel_ids: Sequence[str]) -> list[NotificationChannel]:
    """Return those of these channels that the space has."""
    query = select(*_COLUMNS).where(channels.c.space_id == space_id, channels.c.id.in_(channel_ids))
    return [_channel(row) for row in connection.execute(query)]


def page(connection: Connection, space_id: str, *, limit: int, start: str | None) -> Page[NotificationChannel]:
    """List a space's channels, the oldest first, with their number."""
    of_space = channels.c.space_id == space_id
    total = connection.execute(select(func.count()).select_from(channels).where(of_space)).scalar_one()
    query = select(*_COLUMNS).where(of_space)
    found = page_by_time(connection, query, channels, _channel, limit=limit, start=start)
    return Page(items=found.items, next=found.next, total=total)


def replace(connection: Connection, channel: NotificationChannel) -> None:
    """Write the channel as it is given. Raises ConstraintViolated when its name is taken in its space."""
    connection.execute(update(channels).where(channels.c.id == channel.id).values(**values_of(channel, channels)))


def remove(connection: Connection, channel_id: str) -> None:
    """Delete a channel; what is on its way through it goes with it."""
    connection.execute(delete(channels).where(channels.c.id == channel_id))


def _channel(row: Row[Any]) -> NotificationChannel:
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    return NotificationChannel(**{**values, "type": ChannelType(values["type"])})

"""Content that nothing refers to any more: noted with the deletion, removed from disk afterwards by the engine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from sqlalchemy import Column, delete, insert, select

from gristmill.store.database import Connection
from gristmill.store.schema import (
    assets,
    attachments,
    discarded_contents,
    exports,
    package_extensions,
    run_contents,
)

_AT_ONCE = 500
_REFERENCES: tuple[Column[str], ...] = (
    attachments.c.content_key,
    package_extensions.c.content_key,
    exports.c.content_key,
    run_contents.c.key,
)


def discard(connection: Connection, keys: Iterable[str | None], at: datetime) -> None:
    """Note that a reference to these contents is gone, in the transaction that takes it away.

    Whether another one is left is asked when the bytes are to go: see `referred_to`.
    """
    candidates = iter(sorted({key for key in keys if key}))
    while batch := list(islice(candidates, _AT_ONCE)):
        query = select(discarded_contents.c.key).where(discarded_contents.c.key.in_(batch))
        known = set(connection.execute(query).scalars())
        rows = [{"key": key, "discarded_at": at} for key in batch if key not in known]
        if rows:
            connection.execute(insert(discarded_contents), rows)


def discarded(connection: Connection, *, before: datetime, limit: int) -> list[str]:
    """Return keys that were discarded before this moment, the oldest first."""
    query = select(discarded_contents.c.key).where(discarded_contents.c.discarded_at < before)
    oldest = query.order_by(discarded_contents.c.discarded_at, discarded_contents.c.key).limit(limit)
    return list(connection.execute(oldest).scalars())


def referred_to(connection: Connection, key: str) -> bool:
    """Whether any row still refers to this content."""
    queries = (select(column).where(column == key).limit(1) for column in _REFERENCES)
    return any(connection.execute(query).first() for query in queries)


def forget(connection: Connection, key: str) -> None:
    """Take a key from the list: its bytes are gone, or it is in use."""
    connection.execute(delete(discarded_contents).where(discarded_contents.c.key == key))


def of_space(connection: Connection, space_id: str) -> list[str]:
    """Return the keys of all content that rows of this space refer to, runs left aside: for when a space is purged."""
    of_assets = select(attachments.c.content_key).join(assets, assets.c.id == attachments.c.asset_id)
    queries = (
        of_assets.where(assets.c.space_id == space_id),
        select(package_extensions.c.content_key).where(package_extensions.c.space_id == space_id),
        select(exports.c.content_key).where(exports.c.space_id == space_id),
    )
    return sorted({key for query in queries for key in connection.execute(query).scalars() if key})

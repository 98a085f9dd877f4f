"""Content that nothing refers to any more: noted with the deletion, removed from disk afterwards by the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import Column, delete, select, union
from sqlalchemy.dialects import postgresql, sqlite

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

    Whether another one is left is asked when the bytes are to go: see `referred_to`. Two transactions may note the
    same content, which many runs share: they do it in the same order, and the second one finds it noted.
    """
    candidates = iter(sorted({key for key in keys if key}))
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(discarded_contents).on_conflict_do_nothing(index_elements=["key"])
    while batch := list(islice(candidates, _AT_ONCE)):
        connection.execute(statement, [{"key": key, "discarded_at": at} for key in batch])


def discarded(connection: Connection, *, before: datetime, limit: int) -> list[str]:
    """Return keys that were discarded before this moment, the oldest first."""
    query = select(discarded_contents.c.key).where(discarded_contents.c.discarded_at < before)
    oldest = query.order_by(discarded_contents.c.discarded_at, discarded_contents.c.key).limit(limit)
    return list(connection.execute(oldest).scalars())


def referred_to(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return those of these contents that any row still refers to."""
    queries = (select(column).where(column.in_(keys)).distinct() for column in _REFERENCES)
    return {key for query in queries for key in connection.execute(query).scalars()}


def noted(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return those of these contents that are on the list."""
    query = select(discarded_contents.c.key).where(discarded_contents.c.key.in_(keys))
    return set(connection.execute(query).scalars())


def forget(connection: Connection, keys: Sequence[str]) -> None:
    """Take keys from the list: their bytes are gone, or they are in use."""
    connection.execute(delete(discarded_contents).where(discarded_contents.c.key.in_(keys)))


def all_referred_to(connection: Connection) -> Iterator[str]:
    """Yield every key that any row refers to, each once, without holding them all."""
    queries = union(*(select(column.label("key")).where(column.is_not(None)) for column in _REFERENCES))
    yield from connection.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(queries).scalars()


def of_runs(connection: Connection, run_ids: Sequence[str]) -> list[str]:
    """Return the contents that any of these runs refers to."""
    query = select(run_contents.c.key).where(run_contents.c.run_id.in_(run_ids)).distinct()
    return list(connection.execute(query).scalars())


def of_space(connection: Connection, space_id: str) -> list[str]:
    """Return the keys of all content that rows of this space refer to, runs left aside: for when a space is purged."""
    of_assets = select(attachments.c.content_key).join(assets, assets.c.id == attachments.c.asset_id)
    queries = (
        of_assets.where(assets.c.space_id == space_id),
        select(package_extensions.c.content_key).where(package_extensions.c.space_id == space_id),
        select(exports.c.content_key).where(exports.c.space_id == space_id),
    )
    return sorted({key for query in queries for key in connection.execute(query).scalars() if key})

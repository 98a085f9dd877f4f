"""Wrapped keys, one at a time in use for each purpose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from gristmill.domain.data_key import DataKey, Purpose
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, values_of
from gristmill.store.schema import data_keys

_COLUMNS = columns_of(data_keys, DataKey)


def every(connection: Connection, *, locked: bool = False) -> list[DataKey]:
    """Return all keys, the newest first; ``locked``, nobody else changes them until the transaction ends."""
    query = select(*_COLUMNS).order_by(data_keys.c.created_at.desc(), data_keys.c.id)
    return [_key(row) for row in connection.execute(query.with_for_update() if locked else query)]


def add(connection: Connection, keys: Sequence[DataKey]) -> None:
    """Add keys. The database refuses a second one in use for a purpose."""
    connection.execute(insert(data_keys), [{**values_of(key, data_keys), "purpose": str(key.purpose)} for key in keys])


def wrap(connection: Connection, key: DataKey) -> None:
    """Write how a key is wrapped now."""
    statement = update(data_keys).where(data_keys.c.id == key.id, data_keys.c.purpose == str(key.purpose))
    connection.execute(statement.values(wrapped=key.wrapped, wrapped_by=key.wrapped_by))


def retire(connection: Connection, purposes: Sequence[Purpose], moment: datetime) -> None:
    """Let the keys in use for these purposes make nothing new from now on."""
    of_purposes = data_keys.c.purpose.in_([str(purpose) for purpose in purposes])
    statement = update(data_keys).where(of_purposes, data_keys.c.retired_at.is_(None))
    connection.execute(statement.values(retired_at=moment))


def remove_retired(connection: Connection, purposes: Sequence[Purpose], *, before: datetime) -> int:
    """Remove the keys of these purposes that were retired before; return how many."""
    of_purposes = data_keys.c.purpose.in_([str(purpose) for purpose in purposes])
    return connection.execute(delete(data_keys).where(of_purposes, data_keys.c.retired_at < before)).rowcount


def remove_all(connection: Connection) -> None:
    """Remove every key: what hangs on them is lost."""
    connection.execute(delete(data_keys))


def _key(row: Row[Any]) -> DataKey:
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    return DataKey(**{**values, "purpose": Purpose(values["purpose"])})

"""API keys: found by the digest of their secret, which is not kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from gristmill.domain.page import Page
from gristmill.domain.user import ApiKey
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import api_keys

_COLUMNS = columns_of(api_keys, ApiKey)
_BY_ID = Prepared(select(*_COLUMNS).where(api_keys.c.id == bindparam("of_key")))


def insert(connection: Connection, key: ApiKey, digest: str) -> None:
    """Add a key. Raises ConstraintViolated when a key with this digest is there, revoked or not."""
    connection.execute(sql_insert(api_keys).values(**values_of(key, api_keys), digest=digest))


def get(connection: Connection, key_id: str) -> ApiKey | None:
    """Return the key with this id, revoked or not."""
    row = _BY_ID.first(connection, {"of_key": key_id})
    return _key(row) if row else None


def by_digest(connection: Connection, digest: str) -> ApiKey | None:
    """Return the key whose secret has this digest, revoked or not."""
    row = connection.execute(select(*_COLUMNS).where(api_keys.c.digest == digest)).first()
    return _key(row) if row else None


def page(connection: Connection, user_id: str, *, limit: int, start: str | None) -> Page[ApiKey]:
    """Return a page of a user's keys that are not revoked, the oldest first."""
    query = select(*_COLUMNS).where(api_keys.c.user_id == user_id, api_keys.c.revoked_at.is_(None))
    return page_by_time(connection, query, api_keys, _key, limit=limit, start=start)


def mark_used(connection: Connection, key_id: str, at: datetime) -> None:
    """Note when the key was used last."""
    connection.execute(sql_update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=at))


def revoke(connection: Connection, key_id: str, at: datetime) -> None:
    """End the key; it stays known, so that it can never be added again."""
    connection.execute(sql_update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=at))


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(**row._mapping)  # noqa: SLF001 - public API of Row

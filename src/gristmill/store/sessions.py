"""Browsers that are signed in, found by the digest of the secret in their cookie."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select

from gristmill.domain.user import Session
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, values_of
from gristmill.store.schema import sessions

_COLUMNS = columns_of(sessions, Session)


def create(connection: Connection, session: Session) -> None:
    """Add a session."""
    connection.execute(insert(sessions).values(values_of(session, sessions)))


def get(connection: Connection, digest: str) -> Session | None:
    """Return a session, also one that is over."""
    row = connection.execute(select(*_COLUMNS).where(sessions.c.digest == digest)).mappings().first()
    return Session(**row) if row else None


def remove(connection: Connection, digest: str) -> None:
    """End a session."""
    connection.execute(delete(sessions).where(sessions.c.digest == digest))


def remove_over(connection: Connection, now: datetime) -> None:
    """Remove the sessions whose time is over."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))

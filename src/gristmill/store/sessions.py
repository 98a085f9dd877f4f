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


def of_user(connection: Connection, user_id: str, *, now: datetime, limit: int) -> list[Session]:
    """Return the sessions of a user that are not over, the newest first."""
    query = select(*_COLUMNS).where(sessions.c.user_id == user_id, sessions.c.expires_at > now)
    rows = connection.execute(query.order_by(sessions.c.created_at.desc()).limit(limit)).mappings()
    return [Session(**row) for row in rows]


def remove_of_user(connection: Connection, user_id: str) -> None:
    """End all sessions of a user."""
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def remove_all(connection: Connection) -> None:
    """End all sessions."""
    connection.execute(delete(sessions))


def remove_over(connection: Connection, now: datetime) -> None:
    """Remove the sessions whose time is over."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))

"""Wrong passwords in a row, by user name."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update

from gristmill.domain.lockout import Lockout
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, insert_new, values_of
from gristmill.store.schema import lockouts

_COLUMNS = columns_of(lockouts, Lockout)


def get(connection: Connection, user_name: str) -> Lockout | None:
    """Return what is known of a name."""
    row = connection.execute(select(*_COLUMNS).where(lockouts.c.user_name == user_name)).mappings().first()
    return Lockout(**row) if row else None


def lock(connection: Connection, first: Lockout) -> Lockout:
    """Return what is known of a name, or else ``first``; nobody else counts it until the transaction ends."""
    insert_new(connection, lockouts, [values_of(first, lockouts)], key=["user_name"])
    query = select(*_COLUMNS).where(lockouts.c.user_name == first.user_name).with_for_update()
    return Lockout(**connection.execute(query).mappings().one())


def put(connection: Connection, lockout: Lockout) -> None:
    """Write what is known of a name that was locked."""
    statement = update(lockouts).where(lockouts.c.user_name == lockout.user_name)
    connection.execute(statement.values(values_of(lockout, lockouts)))


def forget(connection: Connection, user_name: str) -> None:
    """Forget a name."""
    connection.execute(delete(lockouts).where(lockouts.c.user_name == user_name))


def forget_before(connection: Connection, moment: datetime) -> None:
    """Forget the names for which no wrong password has come since."""
    connection.execute(delete(lockouts).where(lockouts.c.failed_at < moment))

"""Task credentials: at most one a user, its secret encrypted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert

from gristmill.domain.user import TaskCredential
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, values_of
from gristmill.store.schema import task_credentials, users

_COLUMNS = columns_of(task_credentials, TaskCredential)
_OF_USER = Prepared(select(*_COLUMNS).where(task_credentials.c.user_id == bindparam("of_user")))
_OWNER_ENABLED = Prepared(
    select(~users.c.disabled)
    .join(task_credentials, task_credentials.c.user_id == users.c.id)
    .where(users.c.id == bindparam("of_user"))
)


def insert(connection: Connection, credential: TaskCredential, encrypted_secret: str) -> None:
    """Add a credential. Raises ConstraintViolated when its user has one."""
    values = values_of(credential, task_credentials)
    connection.execute(sql_insert(task_credentials).values(**values, secret=encrypted_secret))


def of_user(connection: Connection, user_id: str) -> TaskCredential | None:
    """Return the user's credential."""
    row = _OF_USER.first(connection, {"of_user": user_id})
    return _credential(row) if row else None


def is_usable(connection: Connection, user_id: str) -> bool:
    """Tell whether the user is there and enabled, and has a credential."""
    return bool(_OWNER_ENABLED.scalar(connection, {"of_user": user_id}))


def secret_of_user(connection: Connection, user_id: str) -> str | None:
    """Return the encrypted secret of the user's credential."""
    query = select(task_credentials.c.secret).where(task_credentials.c.user_id == user_id)
    return connection.execute(query).scalar()


def delete(connection: Connection, user_id: str) -> None:
    """Remove the user's credential; none is fine."""
    connection.execute(sql_delete(task_credentials).where(task_credentials.c.user_id == user_id))


def _credential(row: Row[Any]) -> TaskCredential:
    return TaskCredential(**row._mapping)  # noqa: SLF001 - public API of Row

"""Users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, or_, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from gristmill.domain.page import Page
from gristmill.domain.user import User
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import api_keys, users

_COLUMNS = columns_of(users, User)
_THIS = select(*_COLUMNS).where(users.c.id == bindparam("of_user"))
_BY_ID = Prepared(_THIS)
_LIVE_KEY = and_(api_keys.c.id == bindparam("of_key"), api_keys.c.revoked_at.is_(None))
# Asked by nearly every request.
_WITH_KEY = Prepared(_THIS.add_columns(api_keys.c.id.label("key_id")).outerjoin(api_keys, _LIVE_KEY))


def insert(connection: Connection, user: User) -> None:
    """Add a user. Raises ConstraintViolated when the name is taken."""
    connection.execute(sql_insert(users).values(values_of(user, users)))


def get(connection: Connection, user_id: str) -> User | None:
    """Return the user with this id."""
    row = _BY_ID.first(connection, {"of_user": user_id})
    return _user(row) if row else None


def with_key(connection: Connection, user_id: str, key_id: str) -> tuple[User | None, bool]:
    """Return the user with this id, and whether this API key is there and not revoked."""
    row = _WITH_KEY.first(connection, {"of_user": user_id, "of_key": key_id})
    if row is None:
        return None, False
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    live = values.pop("key_id") is not None
    return User(**values), live


def some(connection: Connection, user_ids: Sequence[str]) -> list[User]:
    """Return those of these users that are there."""
    return [_user(row) for row in connection.execute(select(*_COLUMNS).where(users.c.id.in_(user_ids)))]


def by_name(connection: Connection, name: str) -> User | None:
    """Return the user with this name."""
    return _one(connection, users.c.name == name)


def find(connection: Connection, id_or_name: str) -> User | None:
    """Return the user whose id or name this is; a name never looks like an id."""
    return _one(connection, or_(users.c.id == id_or_name, users.c.name == id_or_name))


def page(connection: Connection, *, limit: int, start: str | None) -> Page[User]:
    """Return a page of all users, the oldest first."""
    return page_by_time(connection, select(*_COLUMNS), users, _user, limit=limit, start=start)


def exist(connection: Connection) -> bool:
    """Whether there is any user at all."""
    return bool(connection.execute(select(func.count()).select_from(users)).scalar_one())


def lock_administrators(connection: Connection) -> list[User]:
    """Return the administrators that are not disabled, the oldest first, and keep others from changing them."""
    query = select(*_COLUMNS).where(users.c.administrator, ~users.c.disabled).order_by(users.c.created_at, users.c.id)
    return [_user(row) for row in connection.execute(query.with_for_update())]


def update(connection: Connection, user: User) -> None:
    """Write the user as it is given."""
    connection.execute(sql_update(users).where(users.c.id == user.id).values(values_of(user, users)))


def delete(connection: Connection, user_id: str) -> None:
    """Remove the user with its keys, task credentials and memberships."""
    connection.execute(sql_delete(users).where(users.c.id == user_id))


def _one(connection: Connection, condition: Any) -> User | None:  # noqa: ANN401 - an SQL condition
    row = connection.execute(select(*_COLUMNS).where(condition)).first()
    return _user(row) if row else None


def _user(row: Row[Any]) -> User:
    return User(**row._mapping)  # noqa: SLF001 - public API of Row

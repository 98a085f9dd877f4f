"""Spaces."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, exists, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from gristmill.domain.page import Page
from gristmill.domain.space import Role, Space, SpaceState
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import lanes, members, spaces

_COLUMNS = columns_of(spaces, Space)
_THIS = select(*_COLUMNS).where(spaces.c.id == bindparam("of_space"))
_BY_ID = Prepared(_THIS)
_ACTIVE_MEMBER = and_(
    members.c.space_id == spaces.c.id, members.c.user_id == bindparam("of_user"), members.c.state == "active"
)
# Asked by nearly every request.
_WITH_ROLE = Prepared(_THIS.add_columns(members.c.role).outerjoin(members, _ACTIVE_MEMBER))
_PREFIX = "space_row_"


def insert(connection: Connection, space: Space) -> None:
    """Add a space."""
    connection.execute(sql_insert(spaces).values(values_of(space, spaces)))


def get(connection: Connection, space_id: str) -> Space | None:
    """Return the space, also one that is being deleted."""
    row = _BY_ID.first(connection, {"of_space": space_id})
    return _space(row) if row else None


def with_role(connection: Connection, space_id: str, user_id: str) -> tuple[Space | None, Role | None]:
    """Return the space, also one that is being deleted, and the role of this user, if it is an active member."""
    row = _WITH_ROLE.first(connection, {"of_space": space_id, "of_user": user_id})
    if row is None:
        return None, None
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    role = values.pop("role")
    return _of(values), Role(role) if role else None


def with_space_and_role(query: Select[Any], space_id: ColumnElement[str]) -> Select[Any]:
    """Return a query for something of a space with its space, and the role there of the user ``of_user``."""
    columns = [column.label(f"{_PREFIX}{column.name}") for column in _COLUMNS]
    query = query.add_columns(*columns, members.c.role.label(f"{_PREFIX}role"))
    return query.join(spaces, spaces.c.id == space_id).outerjoin(members, _ACTIVE_MEMBER)


def space_and_role(row: Row[Any]) -> tuple[Space, Role | None, dict[str, Any]]:
    """Return the space and the role in a row of such a query, and what else is in it."""
    rest = dict(row._mapping)  # noqa: SLF001 - public API of Row
    values = {name.removeprefix(_PREFIX): rest.pop(name) for name in list(rest) if name.startswith(_PREFIX)}
    role = values.pop("role")
    return _of(values), Role(role) if role else None, rest


def lock(connection: Connection, space_id: str) -> None:
    """Keep others from changing the space and its members until this transaction ends."""
    connection.execute(select(spaces.c.id).where(spaces.c.id == space_id).with_for_update())


def page(
    connection: Connection,
    user_id: str,
    *,
    limit: int,
    start: str | None,
    name: str | None = None,
    kind: str | None = None,
    member_id: str | None = None,
    roles: Collection[str] = (),
) -> Page[Space]:
    """Return a page of the active spaces that a user belongs to, the oldest first.

    ``roles`` are the roles that ``member_id`` has there; without it, those of the user.
    """
    query = select(*_COLUMNS).where(spaces.c.state == SpaceState.ACTIVE, _belongs(user_id))
    if name:
        query = query.where(spaces.c.name == name)
    if kind:
        query = query.where(spaces.c.type == kind)
    if member_id or roles:
        query = query.where(_belongs(member_id or user_id, roles))
    return page_by_time(connection, query, spaces, _space, limit=limit, start=start)


def update(connection: Connection, space: Space) -> None:
    """Write the space as it is given."""
    connection.execute(sql_update(spaces).where(spaces.c.id == space.id).values(values_of(space, spaces)))


def deleting(connection: Connection, *, limit: int) -> list[str]:
    """Return the ids of spaces that wait to be purged."""
    query = select(spaces.c.id).where(spaces.c.state == SpaceState.DELETING).limit(limit)
    return list(connection.execute(query).scalars())


def remove(connection: Connection, space_id: str) -> None:
    """Delete a space and all that is in it."""
    connection.execute(sql_delete(spaces).where(spaces.c.id == space_id))


def _belongs(user_id: str, roles: Collection[str] = ()) -> Any:  # noqa: ANN401 - an SQL condition
    place = select(members.c.user_id).where(
        members.c.space_id == spaces.c.id, members.c.user_id == user_id, members.c.state == "active"
    )
    return exists(place.where(members.c.role.in_(roles)) if roles else place)


def _space(row: Row[Any]) -> Space:
    return _of(row._mapping)  # noqa: SLF001 - public API of Row


def _of(values: Mapping[Any, Any]) -> Space:
    return Space(**{**values, "state": SpaceState(values["state"])})


def pause_all(connection: Connection) -> None:
    """Pause every space and its lanes."""
    connection.execute(sql_update(spaces).values(paused=True))
    connection.execute(sql_update(lanes).values(paused=True))

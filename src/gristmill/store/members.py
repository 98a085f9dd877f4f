"""Members of spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from gristmill.domain.page import Page
from gristmill.domain.space import Member, Role, SpaceState
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, values_of
from gristmill.store.schema import members, spaces, users

_ROLE = select(members.c.role).where(
    members.c.space_id == bindparam("of_space"),
    members.c.user_id == bindparam("of_user"),
    members.c.state == "active",
)


def role(connection: Connection, space_id: str, user_id: str) -> Role | None:
    """Return the role of an active member, None for anyone else."""
    found = connection.execute(_ROLE, {"of_space": space_id, "of_user": user_id}).scalar()
    return Role(found) if found else None


def insert(connection: Connection, member: Member) -> None:
    """Add a member."""
    connection.execute(sql_insert(members).values(values_of(member, members)))


def get(connection: Connection, space_id: str, id_or_name: str) -> Member | None:
    """Return the member whose user has this id or name."""
    named = (users.c.id == id_or_name) | (users.c.name == id_or_name)
    row = connection.execute(_of_space(space_id).where(named)).first()
    return _member(row) if row else None


def page(
    connection: Connection, space_id: str, *, limit: int, start: str | None, filters: Mapping[str, str]
) -> Page[Member]:
    """Return a page of the members by user name; ``filters`` maps columns to wanted values."""
    query = _of_space(space_id).where(*(members.c[column] == value for column, value in filters.items()))
    if start:
        query = query.where(users.c.name > start)
    rows = connection.execute(query.order_by(users.c.name).limit(limit + 1)).all()
    items = [_member(row) for row in rows[:limit]]
    return Page(items=items, next=items[-1].user_name if len(rows) > limit else None)


def update(connection: Connection, member: Member) -> None:
    """Write the member's role and state."""
    place = (members.c.space_id == member.space_id) & (members.c.user_id == member.user_id)
    connection.execute(sql_update(members).where(place).values(role=member.role, state=member.state))


def delete(connection: Connection, space_id: str, user_id: str) -> None:
    """Take the user out of the space."""
    connection.execute(sql_delete(members).where(members.c.space_id == space_id, members.c.user_id == user_id))


def admins(connection: Connection, space_id: str) -> Sequence[str]:
    """Return the ids of the users who administer the space."""
    query = select(members.c.user_id).where(
        members.c.space_id == space_id, members.c.role == Role.ADMIN, members.c.state == "active"
    )
    return connection.execute(query).scalars().all()


def lock_administered(connection: Connection, user_id: str) -> Sequence[tuple[str, str]]:
    """Return id and name of each active space that the user administers, and lock those spaces."""
    query = (
        select(spaces.c.id, spaces.c.name)
        .join(members, members.c.space_id == spaces.c.id)
        .where(members.c.user_id == user_id, members.c.role == Role.ADMIN, members.c.state == "active")
        .where(spaces.c.state == SpaceState.ACTIVE)
        .order_by(spaces.c.id)
        .with_for_update(of=spaces)
    )
    return [(row.id, row.name) for row in connection.execute(query)]


def _of_space(space_id: str) -> Select[Any]:
    columns = [*columns_of(members, Member), users.c.name.label("user_name")]
    return select(*columns).join(users, users.c.id == members.c.user_id).where(members.c.space_id == space_id)


def _member(row: Row[Any]) -> Member:
    values = row._mapping  # noqa: SLF001 - public API of Row
    return Member(**{**values, "role": Role(values["role"])})

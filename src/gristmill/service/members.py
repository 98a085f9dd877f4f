"""Members of a space: listed by its members, kept by its admins, of whom one always stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gristmill.domain.errors import Conflict, Invalid, NotFound
from gristmill.domain.page import Page
from gristmill.domain.space import Member, Permission, Role
from gristmill.domain.user import Actor
from gristmill.service import schedule_keys
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.store import members as member_store
from gristmill.store import spaces, users
from gristmill.store.database import Connection

PATCHABLE = frozenset({"role", "state"})
STATES = ("active", "pending")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMember:
    """Whom a client asks to add: ``id`` is a user's id or name."""

    id: str
    role: str
    state: str = "active"


def add(context: Context, actor: Actor, space_id: str, new: Sequence[NewMember]) -> list[Member]:
    """Add members, all or none. Adding one again with the same role changes nothing.

    Raises:
        Invalid: a role, state or user is unknown; the message names it.
        Conflict: the user is a member with another role.
        NotFound, Forbidden: the actor may not.

    """
    with context.database.transaction() as connection:
        _lock_for_admin(connection, actor, space_id)
        return [_add(context, connection, space_id, one) for one in new]


def page(
    context: Context, actor: Actor, space_id: str, *, limit: int, start: str | None, filters: Mapping[str, str]
) -> Page[Member]:
    """List the members of a space by user name; ``filters`` may name a role and a state.

    Raises:
        NotFound: there is no such space, or it is not the actor's to see.

    """
    with context.database.snapshot() as connection:
        authorize(connection, actor, space_id, Permission.VIEW)
        return member_store.page(connection, space_id, limit=limit, start=start, filters=filters)


def get(context: Context, actor: Actor, space_id: str, id_or_name: str) -> Member:
    """Return a member by its user's id or name.

    Raises:
        NotFound: there is no such space or member, or it is not the actor's to see.

    """
    with context.database.snapshot() as connection:
        authorize(connection, actor, space_id, Permission.VIEW)
        return _found(connection, space_id, id_or_name)


def change(context: Context, actor: Actor, space_id: str, id_or_name: str, wanted: Mapping[str, Any]) -> Member:
    """Change a member's role or state.

    Raises:
        Invalid: the role or state is unknown.
        Conflict: it is the last admin.
        NotFound, Forbidden: no such member, or the actor may not.

    """
    with context.database.transaction() as connection:
        _lock_for_admin(connection, actor, space_id)
        member = _found(connection, space_id, id_or_name)
        role = _role(wanted.get("role", member.role))
        changed = replace(member, role=role, state=_state(wanted.get("state", member.state)))
        if changed.role is not Role.ADMIN or changed.state != "active":
            _another_admin(connection, member)
        with schedule_keys.telling(context, connection, member.user_id, space_id=space_id):
            member_store.update(connection, changed)
    return changed


def remove(context: Context, actor: Actor, space_id: str, id_or_name: str) -> None:
    """Take a member out of the space.

    Raises:
        Conflict: it is the last admin.
        NotFound, Forbidden: no such member, or the actor may not.

    """
    with context.database.transaction() as connection:
        _lock_for_admin(connection, actor, space_id)
        member = _found(connection, space_id, id_or_name)
        _another_admin(connection, member)
        with schedule_keys.telling(context, connection, member.user_id, space_id=space_id):
            member_store.delete(connection, space_id, member.user_id)


def _lock_for_admin(connection: Connection, actor: Actor, space_id: str) -> None:
    # Two admins who demote each other at the same moment would both find the other one still there.
    spaces.lock(connection, space_id)
    authorize(connection, actor, space_id, Permission.ADMINISTER)


def _add(context: Context, connection: Connection, space_id: str, new: NewMember) -> Member:
    user = users.find(connection, new.id)
    if user is None:
        raise Invalid(
            f"There is no user {new.id!r}. Give the id or the name of one that GET /v1/users lists; "
            "an administrator adds users with POST /v1/users.",
            code="user_not_found",
            field="members.id",
        )
    wanted = Member(
        space_id=space_id,
        user_id=user.id,
        user_name=user.name,
        role=_role(new.role),
        state=_state(new.state),
        created_at=context.now(),
    )
    there = member_store.get(connection, space_id, user.id)
    if there and (there.role, there.state) != (wanted.role, wanted.state):
        raise Conflict(f"{user.name} is a member already, as {there.role}. Change that with PATCH on the member.")
    if not there:
        member_store.insert(connection, wanted)
    return there or wanted


def _found(connection: Connection, space_id: str, id_or_name: str) -> Member:
    found = member_store.get(connection, space_id, id_or_name)
    if found is None:
        raise NotFound(f"There is no member {id_or_name!r} in this space.", code="member_not_found")
    return found


def _another_admin(connection: Connection, member: Member) -> None:
    if list(member_store.admins(connection, member.space_id)) == [member.user_id]:
        raise Conflict(f"{member.user_name} is the last admin of this space. Make another member admin first.")


def _role(role: Any) -> Role:  # noqa: ANN401 - any JSON
    try:
        return Role(role)
    except ValueError as error:
        raise Invalid(f"{role!r} is no role; the roles are {', '.join(Role)}.", field="role") from error


def _state(state: Any) -> str:  # noqa: ANN401 - any JSON
    if state not in STATES:
        raise Invalid(f"{state!r} is no state of a member; the states are {', '.join(STATES)}.", field="state")
    return str(state)

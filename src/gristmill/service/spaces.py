"""Spaces: made by anyone, who becomes their admin; seen by their members only."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gristmill.domain.errors import Invalid
from gristmill.domain.page import Page
from gristmill.domain.retention import read_retention
from gristmill.domain.space import Member, Permission, Role, Space, SpaceState
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.store import lanes, members
from gristmill.store import spaces as space_store

PATCHABLE = frozenset(
    {"name", "description", "tags", "stage", "stage/name", "stage/production", "compute", "paused", "retention"}
)
LONGEST_NAME = 255
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSpace:
    """What a client asks for. ``storage`` and ``compute`` are the cloud's, kept and shown, and mean nothing here."""

    name: str
    description: str = ""
    type: str = "cpd"
    tags: Sequence[str] = ()
    stage: Mapping[str, Any] = field(default_factory=dict)
    storage: Mapping[str, Any] | None = None
    compute: Sequence[Mapping[str, Any]] = ()


def create(context: Context, actor: Actor, new: NewSpace) -> Space:
    """Make a space; it is active at once, and the actor is its admin."""
    now = context.now()
    space = Space(
        id=context.new_id(),
        name=_name(new.name),
        description=new.description,
        creator_id=actor.user_id,
        created_at=now,
        modified_at=now,
        type=new.type,
        tags=tuple(new.tags),
        stage=new.stage,
        storage=new.storage,
        compute=tuple(_with_guid(item) for item in new.compute),
    )
    admin = Member(space_id=space.id, user_id=actor.user_id, user_name=actor.user_name, role=Role.ADMIN, created_at=now)
    with context.database.transaction() as connection:
        space_store.insert(connection, space)
        members.insert(connection, admin)
    return space


def get(context: Context, actor: Actor, space_id: str) -> Space:
    """Return a space that the actor is a member of.

    Raises:
        NotFound: there is none, or it is not the actor's to see.

    """
    with context.database.snapshot() as connection:
        return authorize(connection, actor, space_id, Permission.VIEW)


def page(
    context: Context,
    actor: Actor,
    *,
    limit: int,
    start: str | None = None,
    name: str | None = None,
    kind: str | None = None,
    member_id: str | None = None,
    roles: Collection[str] = (),
) -> Page[Space]:
    """List the spaces that the actor is a member of; ``member_id`` (with ``roles``) must be a member there, too."""
    with context.database.snapshot() as connection:
        return space_store.page(
            connection,
            actor.user_id,
            limit=limit,
            start=start,
            name=name,
            kind=kind,
            member_id=member_id,
            roles=roles,
        )


def change(context: Context, actor: Actor, space_id: str, wanted: Mapping[str, Any]) -> Space:
    """Change what `PATCHABLE` names, by path; None clears a value. For admins of the space.

    While a space is ``paused`` nothing of it starts: runs that wait go on waiting, runs at work end as they would.

    Raises:
        Invalid: a value has the wrong shape.
        NotFound, Forbidden: the actor may not.

    """
    with context.database.transaction() as connection:
        space_store.lock(connection, space_id)
        space = authorize(connection, actor, space_id, Permission.ADMINISTER)
        for path, value in wanted.items():
            space = _changed(space, path, value)
        space = replace(space, modified_at=context.now())
        space_store.update(connection, space)
        if "paused" in wanted:
            lanes.set_paused(connection, space.id, paused=space.paused)
    context.wake()
    return space


def delete(context: Context, actor: Actor, space_id: str) -> None:
    """Hide a space at once; the engine stops its runs and purges it with all that is in it. For admins of the space.

    Raises:
        NotFound, Forbidden: the actor may not.

    """
    with context.database.transaction() as connection:
        space_store.lock(connection, space_id)
        space = authorize(connection, actor, space_id, Permission.ADMINISTER)
        space_store.update(connection, replace(space, state=SpaceState.DELETING, modified_at=context.now()))
    context.wake()


def _changed(space: Space, path: str, value: Any) -> Space:  # noqa: ANN401 - any JSON
    match path, value:
        case "name", str():
            return replace(space, name=_name(value))
        case "description", str() | None:
            return replace(space, description=value or "")
        case "tags", list() | None if all(isinstance(tag, str) for tag in value or ()):
            return replace(space, tags=tuple(value or ()))
        case "stage", dict() | None:
            return replace(space, stage=value or {})
        case ("stage/name", str() | None) | ("stage/production", bool() | None):
            return replace(space, stage={**space.stage, path.removeprefix("stage/"): value})
        case "paused" | "retention", bool() | dict() | None:
            return _with_setting(space, path, value)
        case "compute", list() | None if all(isinstance(item, dict) for item in value or ()):
            return replace(space, compute=tuple(_with_guid(item) for item in value or ()))
    raise _of_wrong_kind(path, value)


def _with_setting(space: Space, name: str, value: dict[str, Any] | bool | None) -> Space:
    if name == "retention" and not isinstance(value, bool):
        return replace(space, retention=read_retention(value))
    if name == "paused" and not isinstance(value, dict):
        return replace(space, paused=bool(value))
    raise _of_wrong_kind(name, value)


def _of_wrong_kind(path: str, value: Any) -> Invalid:  # noqa: ANN401 - any JSON
    return Invalid(f"/{path} cannot be set to {value!r}: it is of the wrong kind.", field=path)


def _name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST_NAME or "\x00" in name:
        raise Invalid(f"A space needs a name of 1 to {LONGEST_NAME} characters.", field="name")
    return name


def _with_guid(compute: Mapping[str, Any]) -> dict[str, Any]:
    # The cloud client reads type and guid of what it gave without them; the guid stands in the crn.
    in_crn = _UUID.search(str(compute.get("crn", "")))
    guid = in_crn.group() if in_crn else str(uuid.uuid4())
    return {"type": "machine_learning", "guid": guid, **compute}

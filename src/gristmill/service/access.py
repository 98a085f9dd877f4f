"""Who may do what in a space: what a user may not see is not found, what it may see but not do is forbidden."""

from __future__ import annotations

from gristmill.domain.errors import Conflict, Forbidden, Invalid, NotFound
from gristmill.domain.space import Permission, Role, Space, SpaceState, allows
from gristmill.domain.user import Actor
from gristmill.store import spaces
from gristmill.store.database import Connection


def authorize(connection: Connection, actor: Actor, space_id: str | None, permission: Permission) -> Space:
    """Return the space if the actor may do this in it.

    Raises:
        Invalid: no space was named.
        NotFound: there is no such space, or the actor is no member of it.
        Forbidden: the actor's role does not allow it.

    """
    if not space_id:
        raise Invalid("Name the space: the query parameter space_id is missing.", field="space_id")
    space, role = spaces.with_role(connection, space_id, actor.user_id)
    return granted(space, role, space_id, permission)


def granted(space: Space | None, role: Role | None, space_id: str, permission: Permission) -> Space:
    """Return the space if somebody who has this role there, or none, may do this in it.

    Raises:
        NotFound: there is no such space, or nobody without a role is told of it.
        Forbidden: the role does not allow it.

    """
    if space is None or space.state is SpaceState.DELETING or role is None:
        raise NotFound(f"There is no space {space_id} that you can see.", code="space_not_found", field="space_id")
    if not allows(role, permission):
        raise Forbidden(f"Your role in this space is {role}; to {permission} needs another. Ask an admin of the space.")
    return space


def administrators_only(actor: Actor) -> None:
    """Refuse everybody who is no administrator.

    Raises:
        Forbidden: the actor is none.

    """
    if not actor.administrator:
        raise Forbidden("Only administrators may look at this. Ask one of yours.")


def people_only(actor: Actor) -> None:
    """Refuse the code of runs: what it asks for would outlive the run.

    Raises:
        Forbidden: the actor is a run's code.

    """
    if actor.of_run:
        raise Forbidden("The code of a run makes no API keys, as they would outlive it. Use a token of your own.")


class SpacePaused(Conflict):
    """The space is paused: no run of it starts until one of its admins resumes it."""

    code = "space_paused"

    def __init__(self) -> None:
        super().__init__(
            "The space is paused: no run of it starts. An admin of the space resumes it.", field="space_id"
        )


def refuse_paused(connection: Connection, space_id: str) -> None:
    """Refuse to queue a run in a space that is paused.

    Raises:
        SpacePaused: it is.

    """
    space = spaces.get(connection, space_id)
    if space is not None and space.paused:
        raise SpacePaused

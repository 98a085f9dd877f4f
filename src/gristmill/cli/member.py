"""`gristmill space members`: who may do what in a space."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gristmill.cli import lookup, pages
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.output import Column

members = noun("members", "Members of a space and their roles.")
User = Annotated[str, typer.Argument(metavar="USER", help="Name or id of the user.")]
_COLUMNS = (Column("ID", "id"), Column("NAME", "name"), Column("ROLE", "role"), Column("STATE", "state"))


class Role(StrEnum):
    """What a member may do; each may do all that the next one may."""

    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"


@command(members, "list")
def list_members(session: Session, limit: Limit = LISTED) -> None:
    """List the members of the space."""
    session.screen.listing(pages.resources(session.client, _path(session), limit=limit), _COLUMNS)


@command(members, "add")
def add(
    session: Session, user: User, role: Annotated[Role, typer.Option(help="What the member may do.")] = Role.VIEWER
) -> None:
    """Add a user to the space."""
    member = {"id": user, "type": "user", "role": str(role)}
    (made,) = session.client.post(_path(session), {"members": [member]})["resources"]
    session.screen.document(made, _COLUMNS)


@command(members, "remove")
def remove(session: Session, user: User) -> None:
    """Take a member out of the space."""
    session.client.delete(f"{_path(session)}/{lookup.segment(user)}")


def _path(session: Session) -> str:
    return f"/v2/spaces/{session.space_id}/members"

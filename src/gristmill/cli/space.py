"""`gristmill space`: the spaces that the user can see, and which of them is meant when none is named."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated

import typer

from gristmill.cli import consent, lookup, pages, profile
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.consent import Yes
from gristmill.cli.failures import CommandFailed
from gristmill.cli.member import members
from gristmill.cli.output import Column
from gristmill.cli.space_transfer import export_space, import_space

spaces = noun("space", "Spaces: where assets, deployments, jobs and their members are together.")
spaces.add_typer(members)
command(spaces, "export", in_space=False, examples=("gristmill space export patients -f patients.zip",))(export_space)
command(spaces, "import", in_space=False, examples=("gristmill space import elsewhere patients.zip",))(import_space)
Name = Annotated[str, typer.Argument(metavar="SPACE", help="Name or id of the space.")]
_LISTED = (
    Column("ID", "metadata.id"),
    Column("NAME", "entity.name"),
    Column("DESCRIPTION", "entity.description"),
    Column("CREATED", "metadata.created_at"),
)
_SHOWN = (
    *_LISTED,
    Column("STATE", "entity.status.state"),
    Column("PAUSED", "entity.paused"),
    Column("TAGS", "entity.tags"),
    Column("CREATOR", "metadata.creator_id"),
    Column("UPDATED", "metadata.updated_at"),
)

_EFFECT = (
    Column("POLICY", "policy"),
    Column("OF", "source"),
    Column("JOBS", "jobs"),
    Column("WITH THEIR OWN", "own"),
    Column("RUNS THAT GO", "runs"),
    Column("BYTES", "bytes"),
)


@command(spaces, "list", in_space=False)
def list_spaces(session: Session, limit: Limit = LISTED) -> None:
    """List your spaces."""
    session.screen.listing(pages.resources(session.client, "/v2/spaces", limit=limit), _LISTED)


@command(spaces, "create", in_space=False)
def create(
    session: Session,
    name: Annotated[str, typer.Argument(help="Name of the space.")],
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a space; you are its admin."""
    made = session.client.post("/v2/spaces", {"name": name, "description": description})
    session.screen.document(made, _SHOWN)


@command(spaces, "show", in_space=False)
def show(session: Session, space: Name) -> None:
    """Show a space."""
    found = session.client.get(f"/v2/spaces/{lookup.space(session.client, space)}")
    session.screen.document(found, _SHOWN)


@command(spaces, "delete", in_space=False)
def delete(
    session: Session,
    space: Name,
    yes: Yes = False,
) -> None:
    """Delete a space with all that is in it; asks first."""
    space_id = lookup.space(session.client, space)
    consent.require(f"Delete space {space} ({space_id}) with all that is in it?", yes=yes)
    session.client.delete(f"/v2/spaces/{space_id}")
    found = profile.kept(os.environ)
    if found and found.space_id == space_id:
        profile.keep(os.environ, replace(found, space_id=None))


@command(spaces, "pause", in_space=False)
def pause(session: Session, space: Name) -> None:
    """Start nothing of a space until it is resumed; runs that work go on to their end. For admins of the space."""
    _set_paused(session, space, paused=True)


@command(spaces, "resume", in_space=False)
def resume(session: Session, space: Name) -> None:
    """Let runs of a paused space start again."""
    _set_paused(session, space, paused=False)


@command(spaces, "use", in_space=False)
def use(session: Session, space: Name) -> None:
    """Choose the space that is meant where a command names none."""
    space_id = lookup.space(session.client, space)
    found = session.client.get(f"/v2/spaces/{space_id}")
    login = profile.kept(os.environ)
    if login is None or login.url != session.client.profile.url:
        raise CommandFailed("The environment says which server is meant; let it name the space too: GRISTMILL_SPACE.")
    profile.keep(os.environ, replace(login, space_id=space_id))
    session.screen.document(found, _LISTED)


@command(spaces, "retention", in_space=False)
def retention(
    session: Session,
    space: Name,
    days: Annotated[int | None, typer.Option(help="Keep runs for so many days.")] = None,
    amount: Annotated[int | None, typer.Option(help="Keep so many of the newest runs of each job.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Let it hold from now on; without either, none does.")] = False,
) -> None:
    """Tell what would go of a space's runs now, under its policy or the one that is given; with --apply, set that."""
    path = f"/v2/spaces/{lookup.space(session.client, space)}"
    found = session.client.get(f"{path}/retention_preview", days=days, amount=amount)
    if apply:
        wanted = {name: value for name, value in {"days": days, "amount": amount}.items() if value is not None}
        operation = {"op": "add", "value": wanted} if wanted else {"op": "remove"}
        session.client.patch(path, [{**operation, "path": "/retention"}])
    session.screen.document(found, _EFFECT)


def _set_paused(session: Session, space: str, *, paused: bool) -> None:
    operation = {"op": "replace", "path": "/paused", "value": paused}
    changed = session.client.patch(f"/v2/spaces/{lookup.space(session.client, space)}", [operation])
    session.screen.document(changed, _SHOWN)

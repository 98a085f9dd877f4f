"""`gristmill user`: who may log in. Administrators keep users; everybody has `user me`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gristmill.cli import consent, lookup, pages
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.consent import Yes
from gristmill.cli.login import read_secret
from gristmill.cli.output import Column

users = noun("user", "Users: who may log in, kept by administrators, and who you are.")
User = Annotated[str, typer.Argument(metavar="USER", help="Name or id of the user.")]
Password = Annotated[
    str | None,
    typer.Option(
        "--password",
        metavar="-",
        help="- reads the password from standard input; without it you are asked.",
    ),
]
_LISTED = (
    Column("ID", "id"),
    Column("NAME", "name"),
    Column("DISPLAY NAME", "display_name"),
    Column("E-MAIL", "email"),
    Column("ADMINISTRATOR", "administrator"),
    Column("DISABLED", "disabled"),
    Column("CREATED", "created_at"),
)
_SHOWN = (*_LISTED, Column("HAS PASSWORD", "has_password"))


@command(users, "list", in_space=False)
def list_users(session: Session, limit: Limit = LISTED) -> None:
    """List the users."""
    session.screen.listing(pages.resources(session.client, "/v1/users", limit=limit), _LISTED)


@command(users, "me", in_space=False)
def me(session: Session) -> None:
    """Show who you are."""
    session.screen.document(session.client.get("/v1/me"), _SHOWN)


@command(users, "show", in_space=False)
def show(session: Session, user: User) -> None:
    """Show a user."""
    session.screen.document(session.client.get(_path(user)), _SHOWN)


@command(users, "create", in_space=False)
def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name to log in with, without blanks.")],
    display_name: Annotated[str | None, typer.Option("--display-name", help="Name to show.")] = None,
    email: Annotated[str | None, typer.Option("--email", help="Where to tell the user of runs.")] = None,
    administrator: Annotated[bool, typer.Option("--administrator", help="May keep users and sees all.")] = False,
    with_password: Annotated[
        bool, typer.Option("--with-password", help="Asks for a password; without it, API keys only.")
    ] = False,
    password: Password = None,
) -> None:
    """Add a user; `gristmill key create --user` then makes its first API key."""
    asked = with_password or password is not None
    document = {
        "name": name,
        "display_name": display_name,
        "email": email,
        "administrator": administrator,
        "password": _new_password(password) if asked else None,
    }
    wanted = {member: value for member, value in document.items() if value is not None}
    session.screen.document(session.client.post("/v1/users", wanted), _SHOWN)


@command(users, "disable", in_space=False)
def disable(session: Session, user: User) -> None:
    """Lock a user out at once; nothing that it has is deleted."""
    _change(session, user, disabled=True)


@command(users, "enable", in_space=False)
def enable(session: Session, user: User) -> None:
    """Let a user that was disabled in again."""
    _change(session, user, disabled=False)


@command(users, "password", in_space=False)
def password(session: Session, user: User, password: Password = None) -> None:
    """Set a user's password; its tokens end at once."""
    _change(session, user, password=_new_password(password))


@command(users, "email", in_space=False)
def email(
    session: Session,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="E-mail address.")],
    user: Annotated[str | None, typer.Option("--user", help="For administrators: another user.")] = None,
) -> None:
    """Say where you are told of runs."""
    _change(session, user or str(session.client.get("/v1/me")["id"]), email=address)


@command(users, "delete", in_space=False)
def delete(session: Session, user: User, yes: Yes = False) -> None:
    """Remove a user with its API keys and memberships; asks first. What it made stays."""
    consent.require(f"Remove the user {user}?", yes=yes)
    session.client.delete(_path(user))


def _new_password(given: str | None) -> str:
    if given not in (None, "-"):
        raise typer.BadParameter(
            "others on this machine can read command lines: leave it out to be asked, or give - for standard input.",
            param_hint="--password",
        )
    return read_secret(given, "New password", option="--password", twice=True)


def _change(session: Session, user: str, **wanted: Any) -> None:  # noqa: ANN401 - any JSON
    changed = session.client.call("PATCH", _path(user), params={}, json=wanted)
    session.screen.document(changed, _SHOWN)


def _path(user: str) -> str:
    return f"/v1/users/{lookup.segment(user)}"

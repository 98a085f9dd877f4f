"""`gristmill key`: API keys."""

from __future__ import annotations

from typing import Annotated

import typer

from gristmill.cli import lookup, pages
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.output import Column

keys = noun("key", "API keys: what you and your programs log in with.")
User = Annotated[str | None, typer.Option("--user", help="For administrators: the user whose keys are meant.")]
_COLUMNS = (
    Column("ID", "id"),
    Column("NAME", "name"),
    Column("BEGINS WITH", "hint"),
    Column("CREATED", "created_at"),
    Column("LAST USED", "last_used_at"),
)


@command(keys, "list", in_space=False)
def list_keys(session: Session, user: User = None, limit: Limit = LISTED) -> None:
    """List API keys."""
    found = pages.resources(session.client, "/v1/api_keys", limit=limit, user_id=_user_id(session, user))
    session.screen.listing(found, _COLUMNS)


@command(keys, "create", in_space=False)
def create(
    session: Session, name: Annotated[str, typer.Argument(help="What the key is for.")], user: User = None
) -> None:
    """Make an API key. It is shown now, and never again."""
    made = session.client.post("/v1/api_keys", {"name": name, "user_id": _user_id(session, user)})
    session.screen.document(made, (Column("ID", "id"), Column("NAME", "name"), Column("API KEY", "api_key")))


@command(keys, "revoke", in_space=False)
def revoke(session: Session, key: Annotated[str, typer.Argument(metavar="ID", help="Id of the key.")]) -> None:
    """End an API key at once, with the tokens and the task credential that stand on it."""
    session.client.delete(f"/v1/api_keys/{lookup.segment(key)}")


def _user_id(session: Session, user: str | None) -> str | None:
    return str(session.client.get(f"/v1/users/{lookup.segment(user)}")["id"]) if user else None

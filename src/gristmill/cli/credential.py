"""`gristmill credential`: the task credential, which the user's jobs run with."""

from __future__ import annotations

from typing import Annotated

import typer

from gristmill.cli.command import Session, command, noun
from gristmill.cli.failures import CommandFailed
from gristmill.cli.login import read_secret
from gristmill.cli.output import Column

credentials = noun("credential", "Your task credential: the API key that your jobs run with.")
_PATH = "/v1/task_credentials"
_COLUMNS = (
    Column("ID", "id"),
    Column("NAME", "name"),
    Column("STATUS", "status"),
    Column("CREATED", "created_at"),
)


@command(credentials, "show", in_space=False)
def show(session: Session) -> None:
    """Show your task credential."""
    for each in session.client.get(_PATH)["credentials"]:
        session.screen.document(each, _COLUMNS)
        return
    raise CommandFailed("You have no task credential; `gristmill credential create` stores one.")


@command(credentials, "create", in_space=False)
def create(
    session: Session,
    api_key: Annotated[
        str | None,
        typer.Option(help="The API key to store, or - to read it from standard input; by default, a new one is made."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the credential.")] = "Task credential",
) -> None:
    """Store an API key of yours for your jobs."""
    client = session.client
    made = None if api_key else client.post("/v1/api_keys", {"name": name})
    secret = made["api_key"] if made else read_secret(api_key, "API key")
    try:
        stored = client.post(_PATH, {"name": name, "type": "iam_api_key", "secret": {"api_key": secret}})
    except BaseException:
        if made:
            client.delete(f"/v1/api_keys/{made['id']}")
        raise
    session.screen.document(stored, _COLUMNS)


@command(credentials, "delete", in_space=False)
def delete(session: Session) -> None:
    """Remove your task credential; jobs that you submit are refused from then on."""
    for each in session.client.get(_PATH)["credentials"]:
        session.client.delete(f"{_PATH}/{each['id']}")

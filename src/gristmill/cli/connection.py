"""`gristmill connection`: databases and stores of files that the space's jobs read from and write to."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gristmill.cli import consent, lookup, pages
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.consent import Yes
from gristmill.cli.failures import CommandFailed
from gristmill.cli.login import read_secret
from gristmill.cli.output import Column, at
from gristmill.cli.pages import Found

connections = noun("connection", "Connections: databases and stores of files that jobs read from and write to.")
Connection = Annotated[str, typer.Argument(metavar="CONNECTION", help="Name or id of the connection.")]
_PATH = "/v2/connections"
_VARIABLE = "GRISTMILL_CONNECTION_"
_EXAMPLES = (
    "gristmill connection create warehouse --type postgresql --property host=db.example.com \\",
    "    --property database=clinic --property username=scoring --secret password     # asks for the password",
    "gristmill connection create lake --type generics3 --property url=https://s3.example.com \\",
    "    --property bucket=scores --property access_key=AK --secret secret_key=@/run/secrets/s3",
)
_SHOWN = (
    Column("ID", "metadata.asset_id"),
    Column("NAME", "entity.name"),
    Column("DESCRIPTION", "entity.description"),
    Column("TYPE", "type"),
    Column("PROPERTIES", "entity.properties"),
    Column("CREATED", "metadata.create_time"),
)
_LISTED = (
    Column("ID", "metadata.asset_id"),
    Column("NAME", "metadata.name"),
    Column("TYPE", "type"),
    Column("CREATED", "metadata.created_at"),
)
_TYPES = (Column("NAME", "entity.name"), Column("STATUS", "entity.status"), Column("LABEL", "entity.label"))
_ENTRIES = (
    Column("PATH", "path"),
    Column("TYPE", "type"),
    Column("ROWS", "details.rows"),
    Column("BYTES", "details.size"),
    Column("MODIFIED", "details.modified"),
)
_TRIED = (Column("WORKS", "ok"), Column("MESSAGE", "message"), Column("SECONDS", "seconds"))


@command(connections, "create", examples=_EXAMPLES)
def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the connection.")],
    kind: Annotated[str, typer.Option("--type", help="What it leads to; `gristmill connection types` tells.")],
    properties: Annotated[
        list[str] | None, typer.Option("--property", metavar="NAME=VALUE", help="A property; may be repeated.")
    ] = None,
    secrets: Annotated[
        list[str] | None,
        typer.Option(
            "--secret",
            metavar="NAME",
            help="A secret property: NAME=@FILE reads it from a file, NAME alone takes it from "
            f"{_VARIABLE}NAME (in capitals), or asks. May be repeated.",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--properties", metavar="FILE", help="JSON file with an object of properties; - is input."),
    ] = None,
    description: Annotated[str, typer.Option("--description", help="What it leads to.")] = "",
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Make it only if it works, which is the default.")
    ] = True,
) -> None:
    """Make a connection of the space, after a test; its secrets are stored encrypted and never shown again."""
    document = {
        "name": name,
        "description": description,
        "datasource_type": kind,
        "properties": {**_of_file(file), **dict(map(_property, properties or ())), **dict(map(_secret, secrets or ()))},
    }
    made = session.client.post(_PATH, document, space_id=session.space_id, test=str(test).lower())
    session.screen.document({**made, "type": kind}, _SHOWN)


@command(connections, "list")
def list_connections(session: Session, limit: Limit = LISTED) -> None:
    """List the connections of the space."""
    found = pages.search(session.client, "connection", space_id=session.space_id, limit=limit)
    names = _type_names(session)
    typed = [{**each, "type": names.get(at(each, "entity.connection.datasource_type"))} for each in found.items]
    session.screen.listing(Found(typed, more=found.more), _LISTED)


@command(connections, "types", in_space=False)
def types(session: Session) -> None:
    """List what connections may lead to; those that are "stored only" cannot be used by jobs here."""
    session.screen.listing(Found(session.client.get("/v2/datasource_types")["resources"]), _TYPES)


@command(connections, "get")
def get(session: Session, connection: Connection) -> None:
    """Show a connection and its properties, without its secrets."""
    found = session.client.get(_path(session, connection), space_id=session.space_id)
    kind = _type_names(session).get(at(found, "entity.datasource_type"))
    session.screen.document({**found, "type": kind}, _SHOWN)


@command(connections, "test")
def try_out(session: Session, connection: Connection) -> None:
    """Find out whether a connection works; ends with 1 where it does not."""
    tried = session.client.post(f"{_path(session, connection)}/test", space_id=session.space_id)
    session.screen.document(tried, _TRIED)
    if not tried["ok"]:
        raise CommandFailed("The connection does not work.")


@command(connections, "browse")
def browse(
    session: Session,
    connection: Connection,
    path: Annotated[str, typer.Argument(metavar="PATH", help="Where to look: /, /SCHEMA, /BUCKET/FOLDER.")] = "/",
    limit: Limit = LISTED,
) -> None:
    """List what is behind a connection: schemas and tables, buckets, folders and files."""
    asked: dict[str, Any] = {"space_id": session.space_id, "path": path, "limit": limit}
    found = session.client.get(f"{_path(session, connection)}/assets", **asked)
    session.screen.listing(Found(found["assets"], more="next" in found), _ENTRIES)


@command(connections, "delete")
def delete(session: Session, connection: Connection, yes: Yes = False) -> None:
    """Delete a connection for good; asks first. Runs that need it fail from then on."""
    path = _path(session, connection)
    consent.require(f"Delete the connection {connection}?", yes=yes)
    session.client.delete(path, space_id=session.space_id)


def _path(session: Session, connection: str) -> str:
    return f"{_PATH}/{lookup.connection(session.client, session.space_id, connection)}"


def _type_names(session: Session) -> dict[str, str]:
    found = session.client.get("/v2/datasource_types")["resources"]
    return {str(at(each, "metadata.asset_id")): str(at(each, "entity.name")) for each in found}


def _property(given: str) -> tuple[str, str]:
    name, sign, value = given.partition("=")
    if not name or not sign:
        raise typer.BadParameter(f"{given!r} is not NAME=VALUE.", param_hint="--property")
    return name, value


def _secret(given: str) -> tuple[str, str]:
    name, sign, value = given.partition("=")
    if not name or (sign and not value.startswith("@")):
        raise typer.BadParameter(
            "write NAME, or NAME=@FILE; others here can read command lines.", param_hint="--secret"
        )
    if sign:
        return name, _text(Path(value[1:]), "--secret").rstrip("\n")
    known = os.environ.get(f"{_VARIABLE}{name.upper()}")
    if known:
        return name, known
    if not sys.stdin.isatty():
        raise CommandFailed(f"There is no terminal to ask for {name}; set {_VARIABLE}{name.upper()}.")
    return name, read_secret(None, name)


def _of_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        found = json.loads(_text(file, "--properties"))
    except ValueError as error:
        raise typer.BadParameter(f"this is not JSON: {error}", param_hint="--properties") from error
    if not isinstance(found, dict):
        raise typer.BadParameter("it is not an object of properties.", param_hint="--properties")
    return found


def _text(file: Path, option: str) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {error}", param_hint=option) from error

"""`gristmill keys`: the keys that an installation's secrets, tokens and links hang on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli.failures import told
from gristmill.cli.options import takes_settings
from gristmill.cli.own_data import check_there_is_a_database
from gristmill.domain.errors import GristmillError
from gristmill.settings import Settings

if TYPE_CHECKING:
    from gristmill.service.context import Context

keys = typer.Typer(
    name="keys",
    help="The keys that stored secrets, tokens and links hang on; for API keys see `key`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@keys.command("list")
@takes_settings
def list_keys(settings: Settings) -> None:
    """Tell which keys there are. They are stored wrapped by the secret key, and never shown."""
    from gristmill.service import data_keys

    with _opened(settings) as context:
        for key in data_keys.every(context):
            state = f"retired {key.retired_at:%Y-%m-%d %H:%M}Z" if key.retired_at else "in use"
            print(f"{key.purpose:<11} {key.id:<9} made {key.created_at:%Y-%m-%d %H:%M}Z  {state}")


@keys.command()
@takes_settings
def rotate(
    settings: Settings,
    *,
    new_key_file: Annotated[
        Path | None,
        typer.Option(
            "--new-key-file",
            help="Where GRISTMILL_SECRET_KEY is given: file with the one to follow. Stop the servers before.",
        ),
    ] = None,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="End tokens and links that were given out; else they last their time.")
    ] = False,
) -> None:
    """Make a new secret key and new keys, and encrypt stored secrets with these; servers may be at work."""
    from gristmill.service import key_rotation

    with _opened(settings) as context:
        follows = new_key_file.read_text().strip() if new_key_file else None
        found = key_rotation.rotate_installation(context, settings.secret_key, given_next=follows, now_ended=at_once)
    print(f"The keys were rotated. Rows with secrets that were encrypted anew: {found.rows}.")
    if settings.secret_key:
        print("Start all servers with the new GRISTMILL_SECRET_KEY now.")
    if found.unreadable:
        print(f"{found.unreadable} secrets were left: no key that is there can read them. Set these anew.")


@keys.command()
@takes_settings
def abandon(
    settings: Settings,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Needed: nobody can undo this.")] = False,
) -> None:
    """Begin with new keys because the secret key is lost; API keys, sessions and stored secrets go with it."""
    from gristmill import app
    from gristmill.service import data_keys

    if not yes:
        _refuse("All API keys, sessions and stored secrets would be lost, for ever. Repeat this with --yes.")
    with _told():
        check_there_is_a_database(settings)
        database = app.prepare_database(settings.database)
        try:
            data_keys.abandon(database, settings.data_dir.resolve(), settings.secret_key, now=datetime.now(UTC))
        finally:
            database.close()
    print("There are new keys. Sign in by password, or give the first administrator a GRISTMILL_ADMIN_API_KEY.")


@contextmanager
def _opened(settings: Settings) -> Iterator[Context]:
    from gristmill import app

    with _told():
        check_there_is_a_database(settings)
        context = app.compose(settings)
        try:
            yield context
        finally:
            context.database.close()


@contextmanager
def _told() -> Iterator[None]:
    from gristmill import app

    try:
        yield
    except app.CannotStart as error:
        _refuse(str(error))
    except GristmillError as error:
        _refuse(error.message)
    except OSError as error:
        _refuse(told(error))


def _refuse(reason: str) -> None:
    sys.stderr.write(f"{reason}\n")
    raise typer.Exit(1)

"""The command line: the commands that run a server, whose options are the settings, and those that speak to one."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Annotated

import typer

from gristmill.cli import completion
from gristmill.cli.nouns import Nouns
from gristmill.cli.options import takes_settings
from gristmill.settings import Settings

_DEMO = "gristmill.cli.demo"
application = typer.Typer(
    name="gristmill",
    cls=Nouns,
    help="Batch jobs from deployment spaces, on your own machines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@application.command()
@takes_settings
def up(settings: Settings) -> None:
    """Run a whole server: the API and the engine in one process."""
    _run(settings, api=True, engine=True)


@application.command()
@takes_settings
def serve(settings: Settings) -> None:
    """Run the API only; runs are worked on by `gristmill work` on the same database and data directory."""
    _run(settings, api=True, engine=False)


@application.command()
@takes_settings
def work(settings: Settings) -> None:
    """Run the engine only."""
    _run(settings, api=False, engine=True)


@application.command()
@takes_settings
def migrate(settings: Settings) -> None:
    """Bring the database to this version's schema; the other commands do so too when they start."""
    from gristmill import app

    try:
        app.compose(settings).database.close()
    except app.CannotStart as error:
        _refuse(error)
    print("The database has the schema of this version.")


@application.command()
@takes_settings
def janitor(
    settings: Settings,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go now.")] = False,
) -> None:
    """Remove now what retention takes and what nobody refers to, as the engine does by and by."""
    from gristmill import app

    try:
        app.clean(settings, _announce, dry_run=dry_run)
    except app.CannotStart as error:
        _refuse(error)


def main() -> None:
    """Run the command that the command line names."""
    if completion.VARIABLE in os.environ:
        completion.enable()
    if importlib.util.find_spec(_DEMO):
        application.command()(importlib.import_module(_DEMO).demo)
    application(prog_name="gristmill")


def _run(settings: Settings, *, api: bool, engine: bool) -> None:
    # Imported late, so that --help answers at once.
    from gristmill import app

    try:
        app.run(settings, _announce, api=api, engine=engine)
    except app.CannotStart as error:
        _refuse(error)


def _announce(line: str) -> None:
    print(line, flush=True)


def _refuse(error: Exception) -> None:
    sys.stderr.write(f"{error}\n")
    raise typer.Exit(1)

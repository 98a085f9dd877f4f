"""The command line: the commands that run a server, whose options are the settings, and those that speak to one."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gristmill.cli import completion, keys
from gristmill.cli.failures import told
from gristmill.cli.nouns import Nouns
from gristmill.cli.options import takes_settings
from gristmill.domain.errors import GristmillError
from gristmill.settings import Settings

_DEMO = "gristmill.cli.demo"
application = typer.Typer(
    name="gristmill",
    cls=Nouns,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _tell_version(asked: bool) -> None:
    if asked:
        print(f"gristmill {metadata.version('gristmill')}")
        raise typer.Exit


@application.callback()
def gristmill(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version, and end.")
    ] = False,
) -> None:
    """Batch jobs from deployment spaces, on your own machines."""


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
    from gristmill.cli.own_data import check_there_is_a_database

    try:
        check_there_is_a_database(settings)
        app.clean(settings, _announce, dry_run=dry_run)
    except app.CannotStart as error:
        _refuse(error)


@application.command()
@takes_settings
def backup(
    settings: Settings,
    *,
    target: Annotated[Path, typer.Argument(help="A directory that does not exist yet.", show_default=False)],
    with_keys: Annotated[
        bool | None,
        typer.Option(
            "--with-keys/--without-keys",
            help="Whether the backup holds the secret key and the certificates; say one of the two.",
            show_default=False,
        ),
    ] = None,
    without_content: Annotated[
        bool, typer.Option("--without-content", help="List the content, and leave it in its bucket or folder.")
    ] = False,
) -> None:
    """Back up database and content to a directory, beside servers that go on working."""
    from gristmill import app
    from gristmill.cli.backup import back_up

    if with_keys is None:
        _refuse(
            "Say --with-keys, and whoever reads the backup reads all secrets, or --without-keys, and keep secret.key "
            "too: nobody can restore without it."
        )
    try:
        code = back_up(settings, _announce, target, with_keys=bool(with_keys), without_content=without_content)
    except (app.CannotStart, GristmillError, OSError) as error:
        _refuse(error)
    raise typer.Exit(code)


@application.command()
@takes_settings
def restore(
    settings: Settings,
    *,
    source: Annotated[Path, typer.Argument(help="The directory that `gristmill backup` made.", show_default=False)],
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="The old server's secret.key, if the backup does not hold it.")
    ] = None,
    make_up_ticks: Annotated[
        bool,
        typer.Option("--make-up-ticks", help="Leave ticks since the backup to the policy of their schedules."),
    ] = False,
    pause: Annotated[
        bool, typer.Option("--pause", help="Pause every space, so that nothing starts until you have looked.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check backup and place.")] = False,
) -> None:
    """Restore a backup to an empty data directory, database and content."""
    from gristmill import app
    from gristmill.cli import backup as backups

    try:
        backups.restore(
            settings,
            _announce,
            source,
            key_file=key_file,
            afterwards=backups.Afterwards(makes_up_ticks=make_up_ticks, pauses=pause),
            dry_run=dry_run,
        )
    except (app.CannotStart, GristmillError, OSError) as error:
        _refuse(error)


application.add_typer(keys.keys)


def main() -> None:
    """Run the command that the command line names."""
    if completion.VARIABLE in os.environ:
        completion.enable()
    if importlib.util.find_spec(_DEMO):
        application.command()(importlib.import_module(_DEMO).demo)
    application(prog_name="gristmill")


def _run(settings: Settings, *, api: bool, engine: bool) -> None:
    # Imported late, so that --help answers at once. Of what is imported nothing becomes garbage: to look for it each
    # time that there is more takes a quarter of a second, and later again and again.
    gc.disable()
    from gristmill import app

    gc.freeze()
    gc.enable()
    try:
        app.run(settings, _announce, api=api, engine=engine)
    except app.CannotStart as error:
        _refuse(error)


def _announce(line: str) -> None:
    print(line, flush=True)


def _refuse(error: Exception | str) -> NoReturn:
    sys.stderr.write(f"{told(error) if isinstance(error, OSError) else error}\n")
    raise typer.Exit(1)

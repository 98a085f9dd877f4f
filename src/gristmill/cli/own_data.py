"""The data of a server on this machine, which some commands look after without asking it."""

from __future__ import annotations

from pathlib import Path

from gristmill.settings import CannotStart, Settings

SQLITE = "sqlite:///"


def check_there_is_a_server(settings: Settings) -> None:
    """Check that there is data to look after: whoever mistypes a directory must not get a new, empty one.

    Raises:
        CannotStart: there is no secret key, or no database.

    """
    if not settings.secret_key and not (settings.data_dir / "secret.key").is_file():
        raise CannotStart(f"There is no server's data at {settings.data_dir}; name its data directory with --data-dir.")
    check_there_is_a_database(settings)


def check_there_is_a_database(settings: Settings) -> None:
    """Check that SQLite's file is there; PostgreSQL makes no database by itself.

    Raises:
        CannotStart: it is not.

    """
    if settings.database.startswith(SQLITE) and not sqlite_file(settings).is_file():
        raise CannotStart(
            f"There is no database at {sqlite_file(settings)}. Check --data-dir and GRISTMILL_DATABASE_URL."
        )


def sqlite_file(settings: Settings) -> Path:
    """Return where SQLite's database is, or would be."""
    return Path(settings.database.removeprefix(SQLITE))

"""Bring a database to this version's schema. Safe to call from any number of servers at once."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from gristmill.store.database import Connection, Database

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 4_711_2026
"""An arbitrary number that all servers of one PostgreSQL lock while they migrate."""


_LOCK_MILLISECONDS = 3_000
_PAUSES_SECONDS = (0.1, 0.3, 1.0, 1.0, 2.0, 2.0, 5.0, 5.0)
_GIVE_WAY = {"40P01", "55P03"}
"""Deadlock, and a lock that was not had in time."""
_log = logging.getLogger("gristmill.store")


class NewerSchema(Exception):
    """The database was written by a newer version; this one would not understand it."""


def migrate(database: Database) -> str:
    """Upgrade to the newest schema in one transaction; return its revision.

    Servers of the version before may be at work. PostgreSQL: who would make them wait for long, or deadlocks with one
    of them, steps back and tries again.

    Raises:
        NewerSchema: the database is ahead of this version.

    """
    for pause_seconds in _PAUSES_SECONDS:
        try:
            return _upgrade(database)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _GIVE_WAY:
                raise
            _log.warning("migration.gave_way", extra={"sqlstate": getattr(error.orig, "sqlstate", None)})
            time.sleep(pause_seconds)
    return _upgrade(database)


def _upgrade(database: Database) -> str:
    with database.transaction() as connection:
        if database.dialect == "postgresql":
            # One at a time, and the others find nothing left to do.
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}"))
        config = _config(connection)
        _refuse_newer(connection, config)
        command.upgrade(config, "head")
        return str(ScriptDirectory.from_config(config).get_current_head())


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def newer(database: Database) -> str | None:
    """Return the database's revision where this version does not know it."""
    with database.snapshot() as connection:
        return _unknown(connection, _config(connection))


def _unknown(connection: Connection, config: Config) -> str | None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    return current if current is not None and current not in known else None


def _refuse_newer(connection: Connection, config: Config) -> None:
    if current := _unknown(connection, config):
        raise NewerSchema(
            f"The database has schema {current}, which this version of Gristmill does not know: a newer one has "
            "migrated it. Start that one; servers of this version that are at work already go on."
        )

"""Bring a database to this version's schema. Safe to call from any number of servers at once."""

from __future__ import annotations

import logging
import time
from importlib.metadata import version
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from gristmill.store.database import Connection, Database

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 4_711_2026
"""An arbitrary number that all servers of one PostgreSQL lock while they migrate."""


_LOCK_MILLISECONDS = 3_000
_PAUSES_SECONDS = (0.1, 0.3, 1.0, 1.0, 2.0, 2.0, 5.0, 5.0)
_GIVE_WAY = {"40P01", "55P03"}
"""Deadlock, and a lock that was not had in time."""
_MAY_NOT = "42501"
_OF_EVERY_VERSION = "spaces"
"""A table that there is from the first schema on."""
_log = logging.getLogger("gristmill.store")


class SchemaUnfit(Exception):
    """The database cannot be brought to this version's schema; the message says why, and the way out."""


class NewerSchema(SchemaUnfit):
    """The database was written by a newer version; this one would not understand it."""


class ForeignSchema(SchemaUnfit):
    """The database is that of another program."""


class SchemaKept(SchemaUnfit):
    """The database is older, and its user may not change it."""


def migrate(database: Database) -> str:
    """Upgrade to the newest schema in one transaction; return its revision.

    Servers of the version before may be at work. PostgreSQL: who would make them wait for long, or deadlocks with one
    of them, steps back and tries again.

    Raises:
        SchemaUnfit: the database is ahead of this version, another program's, or may not be changed.

    """
    for pause_seconds in _PAUSES_SECONDS:
        try:
            return _upgrade(database)
        except DBAPIError as error:
            sqlstate = getattr(error.orig, "sqlstate", None)
            if sqlstate == _MAY_NOT or getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_READONLY"):
                raise _kept(database, error) from error
            if sqlstate not in _GIVE_WAY:
                raise
            _log.warning("migration.gave_way", extra={"sqlstate": sqlstate})
            time.sleep(pause_seconds)
    return _upgrade(database)


def _upgrade(database: Database) -> str:
    with database.transaction() as connection:
        if database.dialect == "postgresql":
            # One at a time, and the others find nothing left to do.
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
            connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MILLISECONDS}"))
        config = _config(connection)
        _refuse_unknown(connection, config)
        command.upgrade(config, "head")
        return str(ScriptDirectory.from_config(config).get_current_head())


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def revision(connection: Connection) -> str | None:
    """Return the schema that a database has, None where it has none."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """Return the schema of this version."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return str(ScriptDirectory.from_config(config).get_current_head())


def knows(schema: str) -> bool:
    """Tell whether this version can read, or migrate, a database of that schema."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return schema in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}


def newer(database: Database) -> str | None:
    """Return the database's revision where this version does not know it."""
    with database.snapshot() as connection:
        return _unknown(connection, _config(connection))


def _unknown(connection: Connection, config: Config) -> str | None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    return current if current is not None and current not in known else None


def _refuse_unknown(connection: Connection, config: Config) -> None:
    current = _unknown(connection, config)
    if current is None:
        return
    if not inspect(connection).has_table(_OF_EVERY_VERSION):
        raise ForeignSchema(
            f"The database has the schema {current} of another program. Give Gristmill a database of its own."
        )
    raise NewerSchema(
        f"The database has schema {current}, and {_own()} knows none after {newest()}: a newer version has migrated "
        "it. Start that one, or restore a backup of this version to an empty database; servers of this version that "
        "are at work already go on."
    )


def _kept(database: Database, error: DBAPIError) -> SchemaKept:
    with database.snapshot() as connection:
        found = revision(connection)
    said = str(error.orig).partition("\n")[0]
    return SchemaKept(
        f"The database has {f'schema {found}' if found else 'no schema yet'}, {_own()} needs {newest()}, and its user "
        f"may not change it: {said}. Run `gristmill migrate` as a user who may, and start this again."
    )


def _own() -> str:
    return f"this version, Gristmill {version('gristmill')},"

"""Bring a database to this version's schema. Safe to call from any number of servers at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from gristmill.store.database import Connection, Database

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 4_711_2026
"""An arbitrary number that all servers of one PostgreSQL lock while they migrate."""


class NewerSchema(Exception):
    """The database was written by a newer version; this one would not understand it."""


def migrate(database: Database) -> str:
    """Upgrade to the newest schema in one transaction; return its revision.

    Raises:
        NewerSchema: the database is ahead of this version.

    """
    with database.transaction() as connection:
        if database.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        config = _config(connection)
        _refuse_newer(connection, config)
        command.upgrade(config, "head")
        return str(ScriptDirectory.from_config(config).get_current_head())


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config


def _refuse_newer(connection: Connection, config: Config) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise NewerSchema(f"The database has schema {current}, which this version of Gristmill does not know.")

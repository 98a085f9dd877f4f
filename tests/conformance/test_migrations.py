"""Migrations: they make what schema.py describes, any number of times, from any number of servers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from tests.postgres import Postgres

from gristmill.store.database import Database
from gristmill.store.migrate import NewerSchema, migrate
from gristmill.store.schema import metadata


def test_migrations_make_what_the_schema_describes(database: Database) -> None:
    with database.snapshot() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    assert migrate(database) == migrate(database)


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerSchema, match="9999"):
        migrate(database)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_many_servers_migrate_at_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'new.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_empty_database()
    databases = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        revisions = list(pool.map(migrate, databases))
    for database in databases:
        database.close()
    assert len(set(revisions)) == 1

"""Migrations: they make what schema.py describes, any number of times, from any number of servers."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from tests.make import eventually
from tests.make_queue import NOW, make_lane, make_run, make_space
from tests.postgres import Postgres
from typer.testing import CliRunner

from gristmill import store
from gristmill.cli.main import application
from gristmill.store import runs
from gristmill.store.database import Connection, ConstraintViolated, Database
from gristmill.store.migrate import ForeignSchema, SchemaKept, migrate, newest
from gristmill.store.schema import metadata


def test_migrations_make_what_the_schema_describes(database: Database) -> None:
    with database.snapshot() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    assert migrate(database) == migrate(database)


def test_a_newer_schema_is_refused_by_every_command_that_names_both_versions(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    given = {"GRISTMILL_DATABASE_URL": database_url, "GRISTMILL_DATA_DIR": str(tmp_path / "data")}
    for line in ("serve --port 0 --http-port none", "work", "migrate", "janitor", "keys list"):
        ended = CliRunner().invoke(application, line.split(), env=given)
        assert ended.exit_code == 1, ended.output
        story = f"has schema 9999, and this version, Gristmill {version('gristmill')}, knows none after {newest()}"
        assert story in ended.output
        assert "Start that one" in ended.output


def test_a_migration_only_adds_so_that_the_version_before_works_on(empty_database: Database) -> None:
    # What nobody uses any more may go one version later: name it here then, by the revision that takes it away.
    before: dict[str, dict[str, bool]] = {}
    for revision in _revisions():
        with empty_database.transaction() as connection:
            _upgrade(connection, revision)
            found = _columns(connection)
        for table, columns in before.items():
            assert columns.keys() <= found.get(table, {}).keys(), f"{revision} takes columns of {table} away"
            wanted = {name for name in found[table].keys() - columns.keys() if not found[table][name]}
            assert wanted == set(), f"{revision} adds to {table} what an older server does not write"
        before = found


def _revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__path__[0]) / "migrations"))
    return [script.revision for script in reversed(list(ScriptDirectory.from_config(config).walk_revisions()))]


def _columns(connection: Connection) -> dict[str, dict[str, bool]]:
    """Return the columns of each table, and of each whether a row may be written without it."""
    found = inspect(connection)
    return {
        table: {each["name"]: each["nullable"] or each["default"] is not None for each in found.get_columns(table)}
        for table in found.get_table_names()
    }


def test_the_database_of_another_program_is_refused_and_left_as_it_is(empty_database: Database) -> None:
    with empty_database.transaction() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('5a1c')"))
    with pytest.raises(ForeignSchema, match="another program"):
        migrate(empty_database)
    with empty_database.snapshot() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_an_older_schema_that_may_not_be_changed_is_refused_and_an_own_one_is_not(
    empty_database: Database, tmp_path: Path
) -> None:
    with empty_database.transaction() as connection:
        _upgrade(connection, "0009")
    with _that_may_not_change(empty_database, tmp_path) as limited, pytest.raises(SchemaKept) as refused:
        migrate(limited)
    assert f"has schema 0009, this version, Gristmill {version('gristmill')}, needs {newest()}" in str(refused.value)
    assert "`gristmill migrate`" in str(refused.value)
    migrate(empty_database)
    with _that_may_not_change(empty_database, tmp_path) as limited:
        assert migrate(limited) == newest()


@contextlib.contextmanager
def _that_may_not_change(database: Database, tmp_path: Path) -> Iterator[Database]:
    """Open the same database as somebody who may read and write its rows, and no more; on SQLite only read."""
    url = str(database.engine.url)
    if database.dialect == "sqlite":
        read_only = Database(f"sqlite:///file:{tmp_path / 'empty.db'}?mode=ro&uri=true")
        yield read_only
        read_only.close()
        return
    with database.transaction() as connection:
        connection.execute(text("DROP ROLE IF EXISTS limited"))
        connection.execute(text("CREATE ROLE limited LOGIN"))
        connection.execute(text("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO limited"))
    limited = Database(url.replace("postgres@", "limited@"))
    yield limited
    limited.close()
    with database.transaction() as connection:
        connection.execute(text("DROP OWNED BY limited"))
        connection.execute(text("DROP ROLE limited"))


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


def test_runs_from_before_rows_were_accounted_for_stay_as_they_are(empty_database: Database) -> None:
    with empty_database.transaction() as connection:
        _upgrade(connection, "0002")
        space_id = "space"
        connection.execute(text(_OLD_SPACE), {"space": space_id, "at": NOW.replace(tzinfo=None)})
        lane_id = make_lane(connection, space_id)
        values = {"space": space_id, "lane": lane_id, "at": NOW.replace(tzinfo=None)}
        connection.execute(text(_OLD_RUN), values)
    migrate(empty_database)
    with empty_database.transaction() as connection:
        (found,) = runs.some(connection, column="space_id", value=space_id, limit=9)
        assert (found.rows_done, found.rows_read, found.rows_not_attempted, found.pace) == (5, None, None, None)
        newer = make_run(connection, space_id, lane_id)
        assert runs.get(connection, newer.id)


@pytest.mark.parametrize(
    ("numbers", "fits"),
    [
        ((10, 7, 2, 1), True),
        ((0, 0, 0, 0), True),
        ((None, None, None, None), True),
        ((10, 7, 2, 0), False),
        ((10, 7, 3, None), False),
        ((None, 7, 2, 1), False),
        ((10, None, None, None), False),
        ((10, 11, -1, 0), False),
    ],
)
def test_a1_rows_that_do_not_add_up_cannot_be_stored(
    database: Database, numbers: tuple[int | None, ...], *, fits: bool
) -> None:
    with database.transaction() as connection:
        space_id = make_space(connection)
        make_run(connection, space_id, make_lane(connection, space_id))
    names = ("rows_read", "rows_scored", "rows_rejected", "rows_not_attempted")
    statement = text(f"UPDATE runs SET {', '.join(f'{name} = :{name}' for name in names)}")
    with contextlib.nullcontext() if fits else pytest.raises(ConstraintViolated), database.transaction() as connection:
        connection.execute(statement, dict(zip(names, numbers, strict=True)))


@pytest.mark.parametrize("empty_database", ["postgresql", "sqlite"], indirect=True)
def test_old_servers_go_on_while_a_new_one_migrates(empty_database: Database) -> None:
    with empty_database.transaction() as connection:
        _upgrade(connection, "0009")
        connection.execute(text(_OLD_SPACE), {"space": "space", "at": NOW.replace(tzinfo=None)})
        lane_id = make_lane(connection, "space")
    stop = threading.Event()
    created: list[str] = []

    def old_server(number: int) -> None:
        at = NOW.replace(tzinfo=None)
        while not stop.is_set():
            run_id = f"{number}-{len(created)}"
            values = {"space": "space", "lane": lane_id, "at": at, "run": run_id}
            with empty_database.transaction() as connection:
                connection.execute(text(_QUEUED_BY_0009), values)
                connection.execute(text("UPDATE lanes SET max_running = max_running WHERE id = :lane"), values)
            created.append(run_id)

    with ThreadPoolExecutor(4) as pool:
        at_work = [pool.submit(old_server, number) for number in range(4)]
        try:
            eventually(lambda: len(created) > 20, within=20)
            assert migrate(empty_database) == migrate(empty_database)
            before = len(created)
            eventually(lambda: len(created) > before + 20, within=20)
        finally:
            stop.set()
    assert [each.exception() for each in at_work] == [None] * 4
    with empty_database.transaction() as connection:
        query = text("SELECT queued, coalesce(head_labels, '') FROM lanes WHERE id = :lane")
        assert tuple(connection.execute(query, {"lane": lane_id}).one()) == (len(created), "")


_QUEUED_BY_0009 = """
INSERT INTO runs (id, deployment_job_id, space_id, job_id, lane_id, name, kind, state, fence, attempt, requester_id,
    created_at, modified_at, millicores, memory_bytes, spec)
VALUES (:run, :run, :space, :lane, :lane, 'r', 'model', 'queued', 0, 0, 'somebody', :at, :at, 0, 0, '{}')
"""
_OLD_SPACE = """
INSERT INTO spaces (id, name, description, type, tags, stage, compute, state, creator_id, created_at, modified_at)
VALUES (:space, 'before', '', 'cpd', '[]', '{}', '[]', 'active', 'somebody', :at, :at)
"""
_OLD_RUN = """
INSERT INTO runs (id, deployment_job_id, space_id, job_id, lane_id, name, kind, state, fence, attempt, requester_id,
    created_at, modified_at, rows_done, millicores, memory_bytes, spec)
VALUES ('run', 'deployment-job', :space, :lane, :lane, 'before', 'model', 'queued', 0, 0, 'somebody', :at, :at, 5, 0, 0,
    '{}')
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database without any table, on each of the two."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_empty_database()
    made = Database(url)
    yield made
    made.close()


def _upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__path__[0]) / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)

"""What connections may reach, and what is told of those that cannot be made. No message holds a secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from tests.conformance.table_databases import (
    TableDatabase,
    file_database,
    mariadb_database,
    postgres_database,
    read,
    write,
)
from tests.mariadb import PASSWORD, MariadbServer
from tests.postgres import Postgres

from gristmill.data.connect import connect
from gristmill.data.places import Places
from gristmill.data.source import DataFailed, TableName
from gristmill.guard.address_guard import AddressGuard

_SECRET = "s3cr3t-of-nobody"


@pytest.fixture
def guarded(postgres: Postgres) -> Iterator[TableDatabase]:
    """A database of PostgreSQL with a user who has a password and few rights."""
    access = postgres.directory / "data" / "pg_hba.conf"
    before = access.read_text()
    access.write_text(f"local all guarded scram-sha-256\n{before}")
    with postgres_database(postgres) as made:
        made.execute(
            "SELECT pg_reload_conf()",
            f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'",
            "CREATE TABLE closed (a int)",
        )
        yield replace(made, properties={**made.properties, "username": "guarded", "password": PASSWORD})
    with psycopg.connect(host=str(postgres.directory), user="postgres", autocommit=True) as connection:
        connection.execute("DROP ROLE guarded")
    access.write_text(before)


def _refused(database: TableDatabase, /, **properties: object) -> DataFailed:
    with pytest.raises(DataFailed) as caught:
        database.open(**properties)
    assert _SECRET not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    return caught.value


def test_postgresql_tells_why_it_cannot_be_reached(guarded: TableDatabase) -> None:
    with guarded.open() as source:
        source.test()
        with pytest.raises(DataFailed, match="closed") as caught:
            list(source.read(TableName(table="closed")))
        assert caught.value.code == "data_access_denied"
        schema = pa.schema([("a", pa.int64())])
        with pytest.raises(DataFailed) as caught:
            source.write(TableName(table="new"), [], schema=schema, mode="append", publication="p")
        assert caught.value.code == "data_access_denied"
    assert "password is wrong" in _refused(guarded, password=_SECRET).message
    assert "asks for a password" in _refused(guarded, password="").message
    assert "no database" in _refused(guarded, database="nowhere", username="postgres").message
    assert "no such user" in _refused(guarded, username="nobody at all").message
    assert "nothing listens" in _refused(guarded, host="127.0.0.1", port=1).message
    assert "no host" in _refused(guarded, host="no-such-host.invalid").message
    assert _refused(guarded, host="127.0.0.1", port=1).code == "data_unreachable"
    assert _refused(guarded, host="/var/run").code == "data_access_denied"
    assert _refused(guarded, host=f"{guarded.properties['host']},/var/run").code == "data_invalid"


def test_mariadb_tells_why_it_cannot_be_reached(mariadb: MariadbServer) -> None:
    with mariadb_database(mariadb) as made:
        assert _refused(made, password=_SECRET).code == "data_access_denied"
        assert _refused(made, username="nobody").code == "data_access_denied"
        assert _refused(made, database="nowhere").code == "data_not_found"
        assert "nothing listens" in _refused(made, port=1).message
        assert "no host" in _refused(made, host="no-such-host.invalid").message
        assert "TLS" in _refused(made, ssl=True).message
        assert _refused(made, host="/run/mysqld/mysqld.sock").code == "data_access_denied"


@pytest.mark.parametrize(
    ("name", "value"),
    [("host", None), ("database", ""), ("username", None), ("port", "many"), ("port", 70_000), ("ssl", "perhaps")],
)
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_properties_are_named(kind: str, name: str, value: object) -> None:
    properties = {"host": "127.0.0.1", "database": "d", "username": "u", "port": 1, name: value}
    with pytest.raises(DataFailed) as caught:
        connect(kind, properties, places=Places())
    assert (caught.value.code, caught.value.field) == ("data_invalid", f"properties.{name}")


def test_types_that_cannot_be_used_name_those_that_can() -> None:
    with pytest.raises(DataFailed, match=r"db2 can be stored.*postgresql") as caught:
        connect("db2", {}, places=Places())
    assert caught.value.code == "data_type_unsupported"


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_files_lie_in_permitted_folders_only(kind: str, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    database = file_database(kind, outside)
    path = Path(database.properties["path"])
    (inside / "link").symlink_to(path)
    (inside / "way out").symlink_to(outside)
    shut = replace(database, places=Places(folders=(inside,)))
    for attempt in (path, inside / "link", inside / "way out" / path.name, inside / ".." / "outside" / path.name):
        refused = _refused(shut, path=str(attempt))
        assert (refused.code, refused.field) == ("data_access_denied", "properties.path")
        assert "GRISTMILL_DATA_FOLDERS" in refused.message
    assert "GRISTMILL_DATA_FOLDERS" in _refused(replace(database, places=Places())).message
    assert _refused(shut, path="relative.db").code == "data_invalid"
    assert _refused(shut, path=str(inside / "gone.db")).code == "data_not_found"
    (inside / "text").write_text("no database, " * 500)
    assert _refused(shut, path=str(inside / "text")).code in {"data_invalid", "data_unreachable"}


def test_a_duckdb_file_reaches_nothing_but_itself(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    database = file_database("duckdb", tmp_path)
    database.execute(f"CREATE VIEW spy AS SELECT * FROM read_csv('{secret}')")
    with pytest.raises(DataFailed) as caught:
        read(database, "spy")
    assert caught.value.code == "data_access_denied"


def test_reading_changes_no_sqlite_file(tmp_path: Path) -> None:
    database = file_database("sqlite", tmp_path)
    write(database, "t", pa.table({"a": [1]}), publication="p")
    before = Path(database.properties["path"]).read_bytes()
    assert read(database, "t").num_rows == 1
    assert Path(database.properties["path"]).read_bytes() == before


def test_postgresql_in_another_schema(postgres: Postgres) -> None:
    with postgres_database(postgres) as made:
        made.execute('CREATE SCHEMA "other one"')
        with made.open(schema="other one") as source:
            rows = pa.table({"a": [1]})
            source.write(TableName(table="t"), rows.to_batches(), schema=rows.schema, mode="append", publication="p")
        assert read(made, "t", schema="other one").num_rows == 1
        assert made.execute('SELECT publication FROM "other one".gristmill_publications') == [("p",)]


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "::ffff:127.0.0.1", "169.254.169.254", "0.0.0.0", "[::1]"),
        *("db.example.com,/var/run/postgresql", "db.example.com,127.0.0.1", "db /var/run", "./socket", "db@127.0.0.1"),
    ],
)
def test_a_database_may_not_be_on_this_server_or_behind_a_list_of_hosts(kind: str, host: str) -> None:
    properties = {"host": host, "database": "d", "username": "u"}
    with pytest.raises(DataFailed) as caught:
        connect(kind, properties, places=Places())
    assert (caught.value.code, caught.value.field) == ("data_invalid", "properties.host")


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_database_is_looked_up_once_and_connected_to_by_what_was_checked(kind: str) -> None:
    answers = iter([["192.0.2.1", "127.0.0.1"], ["10.99.99.99"]])
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    places = Places(guard=AddressGuard(["192.0.2.0/24"], private=True, resolve=resolve))
    with pytest.raises(DataFailed) as caught:
        connect(kind, {"host": "db.example.com", "database": "d", "username": "u"}, places=places)
    assert (caught.value.field, asked) == ("properties.host", ["db.example.com"])
    # The name leads nowhere by itself: what is connected to is what the guard said.
    there = Places(guard=AddressGuard(["127.0.0.1"], private=True, resolve=lambda _host, _port: ["127.0.0.1"]))
    with pytest.raises(DataFailed, match="nothing listens"):
        connect(kind, {"host": "db.invalid", "port": 1, "database": "d", "username": "u"}, places=there)

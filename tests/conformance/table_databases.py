"""The four databases of connected data, each empty, with a way around `gristmill.data` to look and to spoil."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import duckdb
import psycopg
import pyarrow as pa
from tests.mariadb import PASSWORD, MariadbServer
from tests.postgres import Postgres

from gristmill.data.connect import connect
from gristmill.data.places import Places
from gristmill.data.source import TableName, Tables, WriteMode, Written
from gristmill.guard.address_guard import AddressGuard

# What a server of the tests listens at is of this machine.
HERE = AddressGuard(["127.0.0.0/8", "::1"], private=True)
TYPES = ("postgresql", "mariadb", "sqlite", "duckdb")


@dataclass(frozen=True, kw_only=True)
class TableDatabase:
    """An empty database. ``schema`` is the one that it takes by itself; ``mark`` quotes identifiers."""

    type: str
    properties: dict[str, Any]
    schema: str
    places: Places = field(default_factory=lambda: Places(guard=HERE))
    mark: str = '"'
    server: MariadbServer | None = None

    def open(self, **properties: Any) -> Tables:
        return cast(Tables, connect(self.type, {**self.properties, **properties}, places=self.places))

    def quoted(self, name: str) -> str:
        return f"{self.mark}{name.replace(self.mark, self.mark * 2)}{self.mark}"

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements by the database's own driver, each committed; return the rows of the last one."""
        with self._driver() as execute:
            rows: list[list[tuple[Any, ...]]] = [execute(statement) for statement in statements]
        return rows[-1]

    @contextmanager
    def _driver(self) -> Iterator[Any]:
        match self.type:
            case "postgresql":
                with psycopg.connect(**self._postgres(), autocommit=True) as postgres:
                    yield lambda text: _fetched(postgres.execute(text.encode()))
            case "mariadb":
                assert self.server
                with closing(self.server.connect(self.schema)) as mariadb, mariadb.cursor() as cursor:
                    yield lambda text: list(cursor.fetchall()) if cursor.execute(text) >= 0 else []
            case "sqlite":
                with closing(sqlite3.connect(self.properties["path"], isolation_level=None, timeout=30)) as file:
                    yield lambda text: file.execute(text).fetchall()
            case "duckdb":
                with duckdb.connect(self.properties["path"]) as duck:
                    yield lambda text: duck.execute(text).fetchall()

    def _postgres(self) -> dict[str, Any]:
        return {"host": self.properties["host"], "user": "postgres", "dbname": self.properties["database"]}


def _fetched(cursor: psycopg.Cursor[Any]) -> list[tuple[Any, ...]]:
    return cursor.fetchall() if cursor.description else []


@contextmanager
def postgres_database(server: Postgres) -> Iterator[TableDatabase]:
    url = server.new_empty_database()
    name = url.partition("@/")[2].partition("?")[0]
    properties = {"host": str(server.directory), "database": name, "username": "postgres"}
    places = Places(folders=(server.directory,), guard=HERE)
    yield TableDatabase(type="postgresql", properties=properties, schema="public", places=places)
    server.drop(url)


@contextmanager
def mariadb_database(server: MariadbServer) -> Iterator[TableDatabase]:
    name = server.new_database()
    properties = {
        "host": "127.0.0.1",
        "port": server.port,
        "database": name,
        "username": "tester",
        "password": PASSWORD,
    }
    yield TableDatabase(type="mariadb", properties=properties, schema=name, mark="`", server=server)
    server.drop(name)


def file_database(kind: str, folder: Path) -> TableDatabase:
    path = folder / f"data.{kind}"
    made = TableDatabase(type=kind, properties={"path": str(path)}, schema="main", places=Places(folders=(folder,)))
    made.execute("CREATE TABLE first_of_all (a INTEGER)", "DROP TABLE first_of_all")
    return made


def read(database: TableDatabase, table: str, *, schema: str | None = None, limit: int | None = None) -> Any:
    """Return a whole table, as Arrow."""
    with database.open() as source:
        name = TableName(table=table, schema=schema)
        return pa.Table.from_batches(list(source.read(name, limit=limit)), schema=source.schema(name))


def write(database: TableDatabase, table: str, rows: Any, *, publication: str, mode: WriteMode = "append") -> Written:
    """Write an Arrow table."""
    with database.open() as source:
        return source.write(
            TableName(table=table), rows.to_batches(), schema=rows.schema, mode=mode, publication=publication
        )

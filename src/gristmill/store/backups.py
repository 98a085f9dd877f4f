"""The whole database as a file, as it was at one moment; and a database made of such a file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from psycopg.pq import Conninfo
from sqlalchemy import URL, create_engine, inspect, make_url, text

from gristmill.domain.backup import BackupRefused
from gristmill.store.database import Connection, Database

_LONGEST_ERROR = 500


@contextmanager
def dumped(database: Database, target: Path) -> Iterator[Connection]:
    """Write the database to the new file ``target``; the block reads exactly what the file holds. Nobody waits for it.

    Raises:
        BackupRefused: the copy is damaged, or PostgreSQL's ``pg_dump`` is missing, too old, or failed.

    """
    dump = _sqlite_dump if database.dialect == "sqlite" else _postgresql_dump
    with dump(database, target) as connection:
        yield connection


def is_empty(database: Database) -> bool:
    """Tell whether a database has no tables at all."""
    return not inspect(database.engine).get_table_names()


def is_ours(database: Database) -> bool:
    """Tell whether a database has tables of a schema of ours."""
    return {"alembic_version", "heartbeats"} <= set(inspect(database.engine).get_table_names())


def load(url: str, source: Path) -> None:
    """Make the empty database behind ``url`` what the file ``source`` holds, in one transaction.

    SQLite: the file of the URL must not exist.

    Raises:
        BackupRefused: PostgreSQL's ``pg_restore`` is missing, too old, or failed; then nothing was changed.

    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        shutil.copyfile(source, parsed.database or "")
        Path(parsed.database or "").chmod(0o600)
        return
    login = _login(parsed)
    options = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
    # The name alone is no secret; all else stands in the environment, which other users cannot read.
    _run(["pg_restore", *options, f"--dbname={login['PGDATABASE']}", str(source)], login)


@contextmanager
def _sqlite_dump(database: Database, target: Path) -> Iterator[Connection]:
    copy = sqlite3.connect(target)
    try:
        with database.engine.connect() as connection:
            source = connection.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            # All pages in one step: a snapshot of the write-ahead log, beside which others go on writing.
            source.backup(copy)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        if (said := copy.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise BackupRefused(f"The database is damaged: {said}. Go back to the backup before, or mend it by hand.")
    finally:
        copy.close()
    engine = create_engine(f"sqlite:///file:{target}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _postgresql_dump(database: Database, target: Path) -> Iterator[Connection]:
    with database.engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ")
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        options = ["--format=custom", "--no-owner", "--no-privileges", "--lock-wait-timeout=30s"]
        _run(["pg_dump", *options, f"--snapshot={snapshot}", f"--file={target}"], _login(database.engine.url))
        yield connection


def _login(url: URL) -> dict[str, str]:
    """Return the variables by which PostgreSQL's programs find and enter a database; no command line shows them."""
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    options = Conninfo.parse(plain.encode())
    return {found.envvar.decode(): found.val.decode() for found in options if found.envvar and found.val is not None}


def _run(command: Sequence[str], login: Mapping[str, str]) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "GRISTMILL_"))}
    try:
        ended = subprocess.run(command, env={**inherited, **login}, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise BackupRefused(
            f"{command[0]} is not on the PATH. Install PostgreSQL's client programs, of the server's version or a "
            "later one (Debian: postgresql-client)."
        ) from error
    if ended.returncode:
        said = " ".join(ended.stderr.split())[:_LONGEST_ERROR]
        raise BackupRefused(f"{command[0]} failed: {said}")

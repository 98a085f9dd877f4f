"""A real MariaDB server for the tests, from Debian's package: started once a session, a database a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pymysql
import pytest

from tests.make import eventually

PASSWORD = "p@ss/w:rd%'\""
_OPTIONS = ("--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--skip-log-bin")


@dataclass(frozen=True, slots=True)
class MariadbServer:
    """A running server; it listens on loopback. The user ``tester`` may do everything."""

    port: int
    _names: Iterator[int]

    def connect(self, database: str | None = None) -> Any:
        """Return a connection of the driver itself."""
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", database=database, autocommit=True, charset="utf8mb4"
        )

    def new_database(self) -> str:
        """Make a database with nothing in it and return its name."""
        name = f"test_{next(self._names)}"
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def drop(self, name: str) -> None:
        """Drop a database."""
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"DROP DATABASE {name}")


def needs_mariadb() -> str:
    """Return the server's program; skip the test where there is none and none was promised."""
    program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        message = "there is no MariaDB: run `make mariadb`, or apt-get install mariadb-server"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return program


@contextmanager
def running_mariadb(identity: Path | None = None) -> Iterator[MariadbServer]:
    """Start a server of its own, and stop it; it speaks TLS too if it gets a file with its key and certificate.

    MariaDB refuses to run as root, so root lends it another user.
    """
    program = needs_mariadb()
    directory = Path(tempfile.mkdtemp(prefix="gristmill-mariadb-", dir="/tmp"))
    try:
        user = ["--user=nobody"] if os.geteuid() == 0 else []
        if user:
            shutil.chown(directory, "nobody")
            directory.chmod(0o755)
        data = f"--datadir={directory / 'data'}"
        install = ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([*install, data, *user], check=True, capture_output=True)
        options = [*_OPTIONS, *(_tls_options(directory, identity) if identity else ())]
        with _started([program, "--no-defaults", data, *user, *options], directory) as port:
            server = MariadbServer(port, count(1))
            _make_user(server, requires="REQUIRE SSL" if identity else "")
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _started(command: list[str], directory: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = [
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={directory / 's'}",
        f"--pid-file={directory / 'p'}",
    ]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen([*command, *where], stdout=log, stderr=log)
    try:
        eventually(lambda: _answers(port, process), within=60)
        yield port
    finally:
        process.kill()
        process.wait()


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "MariaDB ended"
    try:
        pymysql.connect(host="127.0.0.1", port=port, user="root").close()
    except pymysql.Error:
        return False
    return True


def _tls_options(directory: Path, identity: Path) -> list[str]:
    own = directory / "tls.pem"
    shutil.copy(identity, own)
    own.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(own, "nobody")
    return [f"--ssl-cert={own}", f"--ssl-key={own}"]


def _make_user(server: MariadbServer, *, requires: str = "") -> None:
    with closing(server.connect()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(f"CREATE USER tester@'127.0.0.1' IDENTIFIED BY %s {requires}", (PASSWORD,))
        cursor.execute("GRANT ALL ON *.* TO tester@'127.0.0.1'")

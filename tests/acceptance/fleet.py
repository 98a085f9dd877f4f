"""Several servers and workers, each with a directory of its own, over one PostgreSQL and one bucket."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.acceptance.server import START_SECONDS, Server, environment, start
from tests.make import eventually
from tests.postgres import Postgres
from tests.s3 import ACCESS_KEY, SECRET_KEY, ObjectStore

AT_WORK = b"Gristmill is at work."


@dataclass
class Fleet:
    """What all have in common, and who is up."""

    directory: Path
    settings: dict[str, str]
    up: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def serve(self, **settings: str) -> Server:
        """Start another API server."""
        server = start(self._place(), "serve", **self.settings, **settings)
        self.up.append(server.process)
        return server

    def work(self, *words: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start another worker, with these words behind its command, and wait until it is at work."""
        place = self._place()
        given = {**self.settings, "data_dir": str(place), "worker_memory_bytes": str(16 * 2**30), "worker_cpus": "4"}
        variables = {f"GRISTMILL_{name.upper()}": value for name, value in {**given, **settings}.items()}
        said = place.with_suffix(".said")
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gristmill", "work", *words],
                env=environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.up.append(process)
        eventually(lambda: AT_WORK in said.read_bytes() or process.poll() is not None, within=START_SECONDS)
        assert process.poll() is None, said.read_text()
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Ask one to stop, and wait until it has."""
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        self.up.remove(process)

    def _place(self) -> Path:
        return self.directory / f"host-{next(self._numbers)}"


@contextmanager
def fleet(directory: Path, postgres: Postgres, object_store: ObjectStore, **settings: str) -> Iterator[Fleet]:
    """Return a fleet of nobody yet; whoever is up at the end is ended."""
    shared = {
        "database_url": postgres.new_empty_database(),
        "secret_key": "the same secret key on all of the servers",
        "content": f"s3://{object_store.new_bucket()}/gristmill",
        "content_endpoint": object_store.url,
        "content_access_key": ACCESS_KEY,
        "content_secret_key": SECRET_KEY,
        **settings,
    }
    made = Fleet(directory, shared)
    try:
        yield made
    finally:
        for process in made.up:
            process.kill()
            process.wait()

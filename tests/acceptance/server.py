"""A real server process, as a user starts one: `gristmill up` on free ports over a data directory."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from tests.acceptance.worlds import ALONE, World, standing
from tests.make import eventually

ROOT = Path(__file__).parents[2]
API_KEY = "k"
START_SECONDS = 60.0
_READY = re.compile(r"Gristmill is ready at (https://\S+) \(CA: (.+)\)")


@dataclass(frozen=True)
class Server:
    """A server that is ready. ``url`` is its TLS address, ``ca`` the certificate that proves it."""

    process: subprocess.Popen[bytes]
    url: str
    ca: Path
    data_dir: Path
    said: Path
    world: World

    def descendants(self) -> list[psutil.Process]:
        """Return the processes that it started, here or on nodes of a cluster, and those that they started."""
        return [*psutil.Process(self.process.pid).children(recursive=True), *self.world.elsewhere(self.data_dir)]

    def resident_bytes(self) -> int:
        """Return the memory of the server process itself, without its children."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self, *, within: float = 60.0) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=within)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program of this source tree; nothing of the tester's own Gristmill reaches it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GRISTMILL_")}
    path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
    return {**inherited, "PYTHONPATH": path, **settings}


def start(data_dir: Path, command: str = "up", **settings: str) -> Server:
    """Start a server, or its API alone (`serve`), and wait until it is ready; ``settings`` by names without prefix."""
    data_dir.mkdir(parents=True, exist_ok=True)
    world = standing()
    wanted = {"admin_api_key": API_KEY, "port": "0", "http_port": "none", **world.settings(data_dir), **settings}
    said = data_dir.with_name(f"{data_dir.name}.said")
    with said.open("ab") as output:
        begin = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "gristmill", command],
            env=environment({f"GRISTMILL_{name.upper()}": value for name, value in wanted.items()}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        found = eventually(lambda: _ready(process, said, begin), within=START_SECONDS)
        assert found is not None
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Server(process, found[1], Path(found[2]), data_dir, said, world)


@contextmanager
def running(data_dir: Path, command: str = "up", **settings: str) -> Iterator[Server]:
    """Run a server for as long as the block takes."""
    server = start(data_dir, command, **settings)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def are_gone(processes: Sequence[psutil.Process], *, within: float = 15.0) -> None:
    """Wait until none of them is there any more; the dead whom nobody has buried do not count."""
    # On a cluster they start when they are first needed.
    assert processes or standing().name != ALONE, "there was no process at all"
    eventually(lambda: not any(_is_there(each) for each in processes), within=within)


def _is_there(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _ready(process: subprocess.Popen[bytes], said: Path, begin: int) -> re.Match[str] | None:
    text = said.read_bytes()[begin:].decode(errors="replace")
    found = _READY.search(text)
    if found is None and process.poll() is not None:
        raise AssertionError(f"the server ended with {process.returncode} before it was ready:\n{text}")
    return found

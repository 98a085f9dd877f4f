"""The demo's own server: `gristmill up` as a process beside, on free ports, ended with the demo."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

KEY_FILE = "demo.key"
START_SECONDS = 90.0
STOP_SECONDS = 60.0
_READY = re.compile(r"Gristmill is ready at (https?://\S+)(?: \(CA: (.+)\))?")


class DidNotStart(Exception):
    """The demo's server did not come up; the message holds what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server and who we are there. ``alive`` tells whether a server of our own is still up."""

    url: str
    user: str
    api_key: str
    ca: Path | None = None
    alive: Callable[[], bool] = lambda: True


@contextmanager
def running(data_dir: Path) -> Iterator[Address]:
    """Run a server over the data directory for as long as the block takes.

    Raises:
        DidNotStart: it ended, or was not ready in time.

    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    key, log = _api_key(data_dir), data_dir / "demo.log"
    process = _start(data_dir, key, log)
    try:
        yield _address(process, key, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _api_key(data_dir: Path) -> str:
    """Return the demo's API key: the same each time, so that the user's list of keys does not grow."""
    path = data_dir / KEY_FILE
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text().strip()


def _start(data_dir: Path, key: str, log: Path) -> subprocess.Popen[bytes]:
    settings = {
        "GRISTMILL_ADMIN_API_KEY": key,
        "GRISTMILL_DATA_DIR": str(data_dir),
        "GRISTMILL_PORT": "0",
        "GRISTMILL_HTTP_PORT": "0",
    }
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "gristmill", "up"],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the demo; it tells the server itself.
            start_new_session=True,
        )


def _address(process: subprocess.Popen[bytes], key: str, log: Path) -> Address:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = _READY.search(log.read_text(errors="replace"))
        if found:
            ca = Path(found[2]) if found[2] else None
            return Address(url=found[1], user="admin", api_key=key, ca=ca, alive=lambda: process.poll() is None)
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise DidNotStart(f"The server did not start; it said:\n{log.read_text(errors='replace')[-4000:]}")

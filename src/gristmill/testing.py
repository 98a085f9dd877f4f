"""A pytest plugin: a private server for tests of code that speaks to watsonx.ai. pytest finds it by itself.

``gristmill_server`` is a server over a directory of its own, one a session, ``gristmill_space`` the id of a new space,
one a test, and ``gristmill_client`` an `APIClient` of ``ibm-watsonx-ai`` in that space. ``gristmill_settings`` may be
defined anew, to give the server settings (docs/how-to/test-your-code.md).
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import signal
import ssl
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_READY = re.compile(r"Gristmill is ready at (https://\S+) \(CA: (.+)\)")
_START_SECONDS = 180.0
_STOP_SECONDS = 60.0
_LONGEST_TOLD = 4_000
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GristmillServer:
    """A server that is ready. ``ca`` is the certificate that proves it, ``log`` what it has said so far."""

    url: str
    ca: Path
    username: str
    api_key: str
    data_dir: Path
    log: Path

    def credentials(self) -> Any:  # noqa: ANN401 - of a library that may not be there
        """Return the ``Credentials`` that an ``APIClient`` takes."""
        from ibm_watsonx_ai import Credentials

        return Credentials(
            url=self.url,
            username=self.username,
            api_key=self.api_key,
            instance_id="openshift",
            verify=str(self.ca),
        )

    def new_space(self, name: str) -> str:
        """Make a space and return its id."""
        return str(self._call("POST", "/v2/spaces", {"name": name})["metadata"]["id"])

    def delete_space(self, space_id: str) -> None:
        """Delete a space with all that is in it; the server goes on with that by itself."""
        self._call("DELETE", f"/v2/spaces/{space_id}")

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        # Imported here: every pytest of the environment loads this file.
        import httpx

        trust = ssl.create_default_context(cafile=str(self.ca))
        with httpx.Client(base_url=self.url, verify=trust, timeout=60) as client:
            login = {"username": self.username, "api_key": self.api_key}
            token = client.post("/icp4d-api/v1/authorize", json=login).raise_for_status().json()["token"]
            answer = client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
            return dict(answer.raise_for_status().json()) if answer.content else {}


@pytest.fixture(scope="session")
def gristmill_settings() -> Mapping[str, str]:
    """Settings of the server by names without prefix, as ``{"worker_slots": "2"}``; define it anew to change them."""
    return {}


@pytest.fixture(scope="session")
def gristmill_server(
    tmp_path_factory: pytest.TempPathFactory, gristmill_settings: Mapping[str, str]
) -> Iterator[GristmillServer]:
    """A server of this session's own, on a free port, over a directory that nobody else uses."""
    directory = tmp_path_factory.mktemp("gristmill")
    with running(directory, gristmill_settings) as server:
        yield server


@pytest.fixture
def gristmill_space(gristmill_server: GristmillServer) -> Iterator[str]:
    """The id of a new space, which is deleted when the test is over."""
    space_id = gristmill_server.new_space(f"test {uuid.uuid4().hex[:8]}")
    yield space_id
    gristmill_server.delete_space(space_id)


@pytest.fixture
def gristmill_client(gristmill_server: GristmillServer, gristmill_space: str) -> Any:  # noqa: ANN401 - see credentials
    """An ``APIClient`` whose default space is the test's own."""
    try:
        from ibm_watsonx_ai import APIClient
    except ImportError as error:
        raise pytest.UsageError("gristmill_client needs the client: pip install ibm-watsonx-ai") from error
    client = APIClient(gristmill_server.credentials())
    client.set.default_space(gristmill_space)
    return client


@contextmanager
def running(directory: Path, settings: Mapping[str, str]) -> Iterator[GristmillServer]:
    """Run a server over the directory for as long as the block takes; nothing of the caller's own settings reaches it.

    Raises:
        RuntimeError: it does not start; the message ends with what it said.

    """
    api_key, data_dir, log = secrets.token_hex(16), directory / "data", directory / "server.log"
    wanted = {"port": "0", "http_port": "none", "grace_seconds": "5", "retention_days": "-1", **settings}
    wanted |= {"data_dir": str(data_dir), "admin_api_key": api_key}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gristmill", "up"],
            env=_environment(wanted),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            preexec_fn=_die_with_parent if sys.platform == "linux" and _is_main_thread() else None,
        )
    try:
        url, ca = _ready(process, log)
        yield GristmillServer(url=url, ca=Path(ca), username="admin", api_key=api_key, data_dir=data_dir, log=log)
    finally:
        _stop(process)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GRISTMILL_")}
    return {**inherited, **{f"GRISTMILL_{name.upper()}": value for name, value in settings.items()}}


def _is_main_thread() -> bool:
    # The signal comes when the thread ends that started the child.
    return threading.current_thread() is threading.main_thread()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _ready(process: subprocess.Popen[bytes], log: Path) -> tuple[str, str]:
    deadline = time.monotonic() + _START_SECONDS
    with log.open(encoding="utf-8", errors="replace") as said:
        text = ""
        while time.monotonic() < deadline:
            # Asked before it is read, so that the last words of one that ended are heard.
            ended = process.poll() is not None
            text += said.read()
            if found := _READY.search(text):
                return found[1], found[2]
            if ended:
                break
            time.sleep(0.05)
    why = f"ended with {process.returncode}" if process.returncode is not None else "is not ready"
    raise RuntimeError(f"The server {why}. It said:\n{text[-_LONGEST_TOLD:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

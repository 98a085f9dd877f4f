"""`gristmill demo`: the whole story by one command, on a machine that has nothing but Gristmill."""

from __future__ import annotations

import os
import pty
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from tests.acceptance.server import API_KEY, Server, are_gone, environment

DEMO = [sys.executable, "-m", "gristmill", "demo", "--rows", "20000"]
SECONDS = 120


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty home directory, as of a new user."""
    (tmp_path / "home").mkdir()
    return environment({"HOME": str(tmp_path / "home")})


def test_it_tells_its_story_and_ends(bare: dict[str, str], tmp_path: Path) -> None:
    ended = subprocess.run(DEMO, cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    told = ended.stdout
    assert told.count("[47, 'M', 'LOW', 'HIGH', 0.739, 0.056] -> drugC") == 2
    assert "all 20,000 are what model.predict() says here" in told
    assert "gristmill up --data-dir gristmill-data" in told
    assert (tmp_path / "gristmill-data" / "demo.key").stat().st_mode & 0o077 == 0


def test_a_server_that_is_there_already_serves_too(server: Server, bare: dict[str, str], tmp_path: Path) -> None:
    where = ["--url", server.url, "--ca", str(server.ca)]
    bare["GRISTMILL_API_KEY"] = API_KEY
    ended = subprocess.run(
        [*DEMO, *where], cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not (tmp_path / "gristmill-data").exists()
    _downloads(ended.stdout, server.ca, rows=20_000)


def test_a_wrong_key_is_told_without_a_traceback(server: Server, bare: dict[str, str], tmp_path: Path) -> None:
    where = ["--url", server.url, "--ca", str(server.ca), "--api-key", "wrong"]
    ended = subprocess.run(
        [*DEMO, *where], cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ended.returncode == 1
    assert "The demo failed" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_on_a_terminal_the_server_stays_until_ctrl_c(bare: dict[str, str], tmp_path: Path) -> None:
    with _on_a_terminal(tmp_path, bare) as (begun, terminal):
        told = _read_until(terminal, "until Ctrl-C")
        _downloads(told, tmp_path / "gristmill-data" / "tls" / "ca.pem", rows=20_000)
        (server,) = psutil.Process(begun.pid).children()
        family = [server, *server.children(recursive=True)]
        begun.send_signal(signal.SIGINT)
        _read_until(terminal, "The server has ended, and its data stays")
        assert begun.wait(SECONDS) == 0
    are_gone(family)


@contextmanager
def _on_a_terminal(directory: Path, variables: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    ours, theirs = pty.openpty()
    begun = subprocess.Popen(DEMO, cwd=directory, env=variables, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        yield begun, ours
    finally:
        begun.kill()
        begun.wait()
        os.close(ours)


def _read_until(terminal: int, expected: str) -> str:
    """Return what comes out of the terminal until the expected text has come."""
    said = ""
    while expected not in said:
        said += os.read(terminal, 65536).decode(errors="replace").replace("\r\n", "\n")
    return said


def _downloads(told: str, ca: Path, *, rows: int) -> None:
    """Follow the link that the demo gave for curl."""
    found = re.search(r"curl --cacert \S+ -o predictions\.csv '(https://\S+)'", told)
    assert found, told
    content = httpx.get(found[1], verify=ssl.create_default_context(cafile=ca)).raise_for_status().text
    assert len(content.splitlines()) == rows + 1

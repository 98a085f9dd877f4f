"""`gristmill janitor`: tells what would go, and does it, over the database and content of the settings."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from tests.acceptance.server import environment
from tests.make_queue import make_lane, make_run, make_space

from gristmill.app import compose
from gristmill.domain.run import RunEvent
from gristmill.settings import Settings
from gristmill.store import runs


def janitor(folder: Path, *options: str) -> str:
    ended = ran(folder, *options)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def ran(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "gristmill",
        "janitor",
        "--data-dir",
        str(folder),
        "--log-level",
        "error",
        *options,
    ]
    return subprocess.run(command, env=environment({}), capture_output=True, text=True, timeout=60, check=False)


def test_a_directory_that_was_mistyped_gets_no_installation(tmp_path: Path) -> None:
    refused = ran(tmp_path / "mistyped")
    assert (refused.returncode, "--data-dir" in refused.stderr) == (1, True), refused.stderr
    assert not (tmp_path / "mistyped").exists()


def test_the_janitor_tells_what_would_go_and_then_takes_it(tmp_path: Path) -> None:
    context = compose(Settings(data_dir=tmp_path))
    with context.database.transaction() as connection:
        space_id = make_space(connection)
        job_id = make_lane(connection, space_id)
        for age in (40, 31, 29):
            run = make_run(connection, space_id, job_id)
            ended = context.now() - timedelta(days=age)
            runs.advance(connection, run.id, RunEvent.CANCEL_REQUESTED, now=ended, actor="test")
    assert janitor(tmp_path, "--dry-run") == f"j ({job_id}): 2 runs would go\n2 runs of 1 jobs would go.\n"
    assert janitor(tmp_path, "--retention-days", "35") == f"j ({job_id}): 1 runs went\n1 runs of 1 jobs went.\n"
    assert janitor(tmp_path) == f"j ({job_id}): 1 runs went\n1 runs of 1 jobs went.\n"
    with context.database.snapshot() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM runs").scalar() == 1
    context.database.close()

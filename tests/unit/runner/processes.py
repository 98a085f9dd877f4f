"""Runs a run directory in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.make import eventually
from tests.unit.runner.directories import Directory

import gristmill_runner
from gristmill_runner.protocol import Result, read_result

# Where this process has it from: a mutant is planted in a copy.
SOURCES = Path(gristmill_runner.__file__).parents[1]


def runner(*arguments: str, python: str = sys.executable, **more: Any) -> subprocess.Popen[str]:
    """Start the child program."""
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
    command = [python, "-m", "gristmill_runner", *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=variables, **{**pipes, **more})


def ran(directory: Directory, **more: Any) -> tuple[int, Result, str]:
    """Run a directory; return exit code, result and log."""
    process = runner("run", str(directory.saved()), **more)
    log, _ = process.communicate(timeout=120)
    result = read_result(directory.path)
    assert result is not None, log
    return process.returncode, result, log


def stopped(directory: Directory, *, number: int = signal.SIGTERM, when: Callable[[], object]) -> tuple[int, str]:
    """Run a directory and send a signal once ``when`` is true; return exit code and log."""
    log = directory.path / "run.log"
    with log.open("w") as file:
        process = runner("run", str(directory.saved()), stdout=file)
    try:
        eventually(when, within=60)
        process.send_signal(number)
        return process.wait(30), log.read_text()
    finally:
        process.kill()
        process.wait()

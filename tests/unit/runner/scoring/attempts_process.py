"""Runs attempts, each forked from a process that has the libraries; one may be killed at any line of the runner's.

Standard input: ``{"directory": path, "victim": "coordinator" | "scorer" | null, "line": n}`` a line; standard output:
the status of the process that ran it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from gristmill_runner.interruption import Interruption
from gristmill_runner.one_run import run_directory
from gristmill_runner.run_context import Shelf

_OURS = "/gristmill_runner/scoring/"


class Killer:
    """Kills the process that it was set upon after so many lines."""

    def __init__(self, victim: str | None, line: int) -> None:
        self._victim, self._left, self._coordinator = victim, line, os.getpid()

    def trace(self, frame: FrameType, event: str, _argument: Any) -> Any:
        """Follow lines of the scoring package alone."""
        if _OURS not in frame.f_code.co_filename:
            return None
        if event == "line" and (os.getpid() == self._coordinator) is (self._victim == "coordinator"):
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.trace


def main() -> None:
    """Serve orders until there are no more."""
    for name in ("joblib", "pandas", "pyarrow.csv", "pyarrow.compute"):
        __import__(name)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _attempt(order)
        _, status = os.waitpid(pid, 0)
        answers.write(f"{status}\n")


def _attempt(order: dict[str, Any]) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        if order["victim"]:
            sys.settrace(Killer(order["victim"], order["line"]).trace)
        code = run_directory(Path(order["directory"]), Shelf(), Interruption())["exit_code"]
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()

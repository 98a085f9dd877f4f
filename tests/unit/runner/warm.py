"""A child that stays warm, as the launcher keeps it: libraries are there, models are loaded by those forked from it."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import gristmill_runner
from gristmill_runner.protocol import Result, read_result

# Where this process has it from: a mutant is planted in a copy.
SOURCES = Path(gristmill_runner.__file__).parents[1]
_PROGRAM = """
import sys
for name in ("joblib", "pandas", "pyarrow.csv", "pyarrow.compute", "pyarrow.parquet", "sklearn.pipeline", "sklearn.svm",
             "sklearn.compose", "sklearn.ensemble", "sklearn.cluster", "xgboost", "lightgbm", "onnxruntime"):
    __import__(name)
from gristmill_runner.__main__ import main
main(["serve", sys.argv[1]])
"""


class Warm:
    """One serving process; another one is begun where a run made it unusable."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log = Path(tempfile.mkstemp(suffix=".log")[1])
        self.reply: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process is not None
        return self._process.pid

    def begin(self, directory: Path) -> None:
        """Have a directory run."""
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        self._before = self._log.stat().st_size
        self._process.stdin.write(f"{directory}\n".encode())
        self._process.stdin.flush()

    def finish(self, directory: Path) -> tuple[Result, str]:
        """Wait for the end of the run; return its result and what it said."""
        line = self._replies.readline()
        self.reply = json.loads(line) if line else {}
        result = read_result(directory)
        log = self._log.read_bytes()[self._before :].decode()
        if not self.reply.get("reusable"):
            self.close()
        assert result is not None, log
        return result, log

    def run(self, directory: Path) -> tuple[Result, str]:
        """Run a directory."""
        self.begin(directory)
        return self.finish(directory)

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._process.wait(30)
            self._replies.close()
        self._process = None

    def _start(self) -> None:
        replies, theirs = os.pipe()
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(theirs)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=variables,
                pass_fds=[theirs],
            )
        os.close(theirs)
        self._replies = os.fdopen(replies)


WARM = Warm()
atexit.register(WARM.close)

"""Holds a command to a lifeline: when the other end of standard input is gone, so is all that the command started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from gristmill_runner.limits import adopt_orphans, own_children

_ROUNDS = 100


def guard(command: Sequence[str]) -> int:
    """Run a command to its end and return its exit code; nothing that it started outlives it, daemons neither."""
    adopt_orphans()
    threading.Thread(target=_watch, daemon=True).start()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:  # noqa: S603 - the caller's own command
        code = process.wait()
    _end_children()
    return code if code >= 0 else 128 - code


def _watch() -> None:
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    _end_children()
    os._exit(128 + signal.SIGKILL)


def _end_children() -> None:
    """End what is left round by round: those whose parent dies become our own."""
    for _ in range(_ROUNDS):
        left = own_children()
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)

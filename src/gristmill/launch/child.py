"""A local child at work on one run directory."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from gristmill.launch.launcher import Ending


class ProcessChild:
    """Implements ``Child`` over a process that may serve other runs before and after this one.

    ``send`` signals the process while it serves this child's run; ``let_go`` is told of the release.
    """

    def __init__(self, send: Callable[[ProcessChild, int], None], let_go: Callable[[ProcessChild], None]) -> None:
        self.interrupted = False
        self._send = send
        self._let_go = let_go
        self._over = threading.Event()
        self._ending: Ending | None = None

    def finish(self, ending: Ending) -> None:
        """Note how the run ended; the first note counts."""
        if self._ending is None:
            self._ending = ending
            self._over.set()

    def wait(self, timeout_seconds: float) -> Ending | None:
        """Wait for the run's end; None when the time is over first."""
        self._over.wait(timeout_seconds)
        return self._ending

    def terminate(self) -> None:
        """Ask the whole process group to stop (SIGTERM)."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the whole process group (SIGKILL)."""
        self._signal(signal.SIGKILL)

    def release(self) -> None:
        """Let go of the child: it may stay warm if the run ended well, else it and its group are ended."""
        self._let_go(self)

    def _signal(self, number: int) -> None:
        if self._ending is None:
            self.interrupted = True
            self._send(self, number)

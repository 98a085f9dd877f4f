"""What works on a node of a Ray cluster: a launcher of that machine's own, which a worker elsewhere gives its orders.

Nothing here knows of Ray: it is started as an actor, and its methods are called from any thread.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from gristmill.launch.confinement import Sandbox
from gristmill.launch.environments import Environment, shipped
from gristmill.launch.launcher import Child, Ending, LaunchFailed, Order
from gristmill.launch.process import ProcessLauncher

_LOOK_SECONDS = 1.0
_LONG_SECONDS = 3600.0


def version() -> str:
    """Return the version of Gristmill that is installed here."""
    return metadata.version("gristmill")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How an agent works.

    ``directory`` is its own, ``beacon`` a file that is there where the worker's data directory can be seen. After
    ``silence_seconds`` without a question of the worker it ends its children and itself: by then the worker has given
    their runs up.
    """

    directory: Path
    beacon: Path
    environment: Environment | None = None
    sandbox: Sandbox = "off"
    readable: tuple[Path, ...] = ()
    silence_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Greeting:
    """What an agent says first: its version, and whether it sees the worker's data directory."""

    version: str
    sees: bool


class Agent:
    """Holds the launcher of one node. Runs are known by numbers that the worker gives them."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._runs: dict[int, Child] = {}
        self._ended: dict[int, Ending] = {}
        self._changed = threading.Condition()
        self._heard_at = time.monotonic()
        self._launcher: ProcessLauncher | None = None
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def hello(self) -> Greeting:
        """Begin, where there is something to work with."""
        sees = self._setup.beacon.exists()
        if sees:
            self._setup.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._launcher = ProcessLauncher(
                directory=self._setup.directory,
                environment=self._setup.environment or shipped(),
                sandbox=self._setup.sandbox,
                readable=self._setup.readable,
            )
        return Greeting(version(), sees)

    def launch(self, number: int, order: Order) -> str | None:
        """Start a run; return why not, where that is not possible."""
        try:
            assert self._launcher is not None
            child = self._launcher.launch(order)
        except LaunchFailed as failure:
            return str(failure)
        self._runs[number] = child
        threading.Thread(target=self._wait, args=(number, child), name=f"run-{number}", daemon=True).start()
        return None

    def news(self, wait_seconds: float) -> dict[int, Ending]:
        """Return how runs ended since the last question, waiting so long for the first of them."""
        self._heard_at = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: self._ended, wait_seconds)
            ended, self._ended = self._ended, {}
        return ended

    def terminate(self, number: int) -> None:
        """Ask a run to stop."""
        self._tell(number, lambda child: child.terminate())

    def kill(self, number: int) -> None:
        """End a run."""
        self._tell(number, lambda child: child.kill())

    def release(self, number: int) -> None:
        """Let go of a run's child; it may stay warm."""
        self._tell(number, lambda child: child.release())
        self._runs.pop(number, None)

    def close(self) -> None:
        """End every child, and wait until they are gone."""
        if self._launcher is not None:
            self._launcher.close()

    def _tell(self, number: int, what: Callable[[Child], None]) -> None:
        child = self._runs.get(number)
        if child is not None:
            what(child)

    def _wait(self, number: int, child: Child) -> None:
        while (ending := child.wait(_LONG_SECONDS)) is None:
            pass
        with self._changed:
            self._ended[number] = ending
            self._changed.notify_all()

    def _watch(self) -> None:
        """End with all children once the worker is silent: it is gone, or we are cut off from it."""
        while time.monotonic() - self._heard_at < self._setup.silence_seconds:
            time.sleep(_LOOK_SECONDS)
        with contextlib.suppress(Exception):
            self.close()
        os._exit(1)

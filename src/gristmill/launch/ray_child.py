"""A child on a node of a Ray cluster, from the wait for room to its end."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol

from gristmill.launch import boxes
from gristmill.launch.launcher import ChildLost, Ending, LaunchFailed, Order


class Served(Protocol):
    """What has the run: an agent, by the run's number."""

    def tell(self, what: str, number: int) -> None:
        """Have it ``terminate``, ``kill`` or ``release`` the run, and wait a moment until it has."""


class RayChild:
    """Implements ``Child``. What is asked of it before an agent has it is told that agent then."""

    def __init__(self, number: int, order: Order) -> None:
        self.number, self.order = number, order
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ending: Ending | None = None
        self._failure: ChildLost | LaunchFailed | None = None
        self._agent: Served | None = None
        self._asked: list[str] = []

    @property
    def unwanted(self) -> bool:
        """Whether it was asked to stop, or let go of."""
        return bool(self._asked)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over.is_set()

    def begun(self, agent: Served) -> None:
        """Note that an agent has it by now."""
        with self._lock:
            self._agent, asked = agent, list(self._asked)
        for what in asked:
            agent.tell(what, self.number)

    def finish(self, outcome: Ending | ChildLost | LaunchFailed) -> None:
        """Note how it ended; the first note counts."""
        with self._lock:
            if self._over.is_set():
                return
            if isinstance(outcome, Ending):
                self._ending = outcome
            else:
                _bring_back(self.order.directory)
                self._failure = outcome
            self._over.set()

    def wait(self, timeout_seconds: float) -> Ending | None:
        """Wait for the run's end; None when the time is over first.

        Raises:
            LaunchFailed: it could not be started after all.
            ChildLost: its node is gone, or does not answer.

        """
        self._over.wait(timeout_seconds)
        if self._failure is not None:
            raise self._failure
        return self._ending

    def terminate(self) -> None:
        """Ask the whole process group to stop (SIGTERM)."""
        self._ask("terminate")

    def kill(self) -> None:
        """End the whole process group (SIGKILL)."""
        self._ask("kill")

    def release(self) -> None:
        """Let go of the child: it may stay warm if the run ended well, else it and its group are ended."""
        self._ask("release")

    def _ask(self, what: str) -> None:
        with self._lock:
            if self._over.is_set() and what != "release":
                return
            self._asked.append(what)
            agent = self._agent
        if agent is not None:
            agent.tell(what, self.number)


def _bring_back(place: Path) -> None:
    """Take a run directory out of the box of a child that was lost."""
    if place.is_symlink():
        boxes.give_back(place)

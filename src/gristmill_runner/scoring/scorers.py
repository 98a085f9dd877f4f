"""The scorers of a coordinator: forked when a block waits and all are busy, kept for the next run of the same model."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from gristmill_runner.scoring.messages import Answer, Beginning, Farewell, receive, send
from gristmill_runner.scoring.place import Place
from gristmill_runner.scoring.scorer_process import be_scorer

_MOST_ORDERS = 2  # one at work and one that waits
_FAREWELL_SECONDS = 2.0


@dataclass(eq=False)
class ScorerProcess:
    """A scorer as its coordinator holds it. ``orders`` are the numbers of the blocks that it has, in order."""

    pid: int
    connection: Connection
    place: Place
    death: int  # a descriptor that is readable when it is dead; -1 where the kernel has none
    orders: deque[int] = field(default_factory=deque)
    begun: bool = False
    cpu_seconds_before: float = 0.0


@dataclass(frozen=True)
class Death:
    """A scorer that died with the blocks in ``orders``; what it did, with which block, and in which rows of it."""

    exit_code: int | None
    signal: int | None
    orders: list[int]
    doing: int
    number: int
    start: int
    stop: int


class Scorers:
    """The scorers of one model; ``close`` ends them."""

    def __init__(self) -> None:
        self._scorers: list[ScorerProcess] = []
        self._most = 1
        self._beginning: Beginning | None = None
        self.peak_bytes, self.cpu_seconds = 0, 0.0  # of this run; beyond what the kernel tells of those that have ended
        self.has_strays = False

    @property
    def pids(self) -> list[int]:
        """The numbers of their processes."""
        return [scorer.pid for scorer in self._scorers]

    def begin(self, beginning: Beginning, *, most: int) -> None:
        """Take up a run, with at most so many scorers."""
        self._beginning, self._most = beginning, max(1, most)
        self.peak_bytes, self.cpu_seconds = 0, 0.0
        for scorer in [scorer for scorer in self._scorers if scorer.connection.poll()]:
            self._bury(scorer)  # nothing is said between runs: it has died

    def room(self) -> ScorerProcess | None:
        """Return a scorer that takes an order: an idle one, a new one, or one with a single order; None without any."""
        idle = next((scorer for scorer in self._scorers if not scorer.orders), None)
        if idle is not None:
            return idle
        if len(self._scorers) < self._most:
            return self._forked()
        least = min(self._scorers, key=lambda scorer: len(scorer.orders))
        return least if len(least.orders) < _MOST_ORDERS else None

    def give(self, scorer: ScorerProcess, number: int, order: Mapping[str, Any]) -> None:
        """Send an order; a scorer that is dead is noticed by ``hear``."""
        scorer.orders.append(number)
        with contextlib.suppress(OSError):
            if not scorer.begun:
                assert self._beginning is not None
                send(scorer.connection, self._beginning)
                scorer.begun = True
            send(scorer.connection, order)

    def hear(self, seconds: float | None) -> Iterator[Answer | Death]:
        """Yield what scorers say and who died, waiting so long for the first of it (None: for ever)."""
        if not self._scorers:
            return
        by_handle: dict[Any, ScorerProcess] = {scorer.connection: scorer for scorer in self._scorers}
        by_handle.update({scorer.death: scorer for scorer in self._scorers if scorer.death >= 0})
        for scorer in dict.fromkeys(by_handle[handle] for handle in wait(list(by_handle), seconds)):
            yield self._heard(scorer)

    def end_run(self) -> None:
        """Let scorers forget the run; those that leave processes behind, or do not answer, make the child unusable."""
        for scorer in [scorer for scorer in self._scorers if scorer.begun]:
            farewell = self._farewell(scorer)
            if farewell is None or farewell["has_children"]:
                self.has_strays = True
                continue
            self.peak_bytes = max(self.peak_bytes, farewell["peak_bytes"])
            self.cpu_seconds += farewell["cpu_seconds"] - scorer.cpu_seconds_before
            scorer.cpu_seconds_before = farewell["cpu_seconds"]
            scorer.begun = False

    def close(self) -> None:
        """End all of them."""
        for scorer in self._scorers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(scorer.pid, signal.SIGKILL)
        while self._scorers:
            self._bury(self._scorers[0])

    def _forked(self) -> ScorerProcess:
        ours, theirs = Pipe()
        place, parent = Place(), os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        # A termination meant for both must find both of them known and settled.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on threads: one that waits for orders, and idle ones of OpenBLAS
                pid = os.fork()
            if pid == 0:
                be_scorer(theirs, place, parent=parent)
            scorer = ScorerProcess(pid, ours, place, _death_of(pid))
            self._scorers.append(scorer)
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        return scorer

    def _heard(self, scorer: ScorerProcess) -> Answer | Death:
        try:
            if scorer.connection.poll():
                answer: Answer = receive(scorer.connection)
                scorer.orders.popleft()
                return answer
        except EOFError:
            pass
        doing, number, start, stop = scorer.place.read()
        status = self._bury(scorer)
        signaled = os.WIFSIGNALED(status)
        return Death(
            exit_code=None if signaled else os.WEXITSTATUS(status),
            signal=os.WTERMSIG(status) if signaled else None,
            orders=list(scorer.orders),
            doing=doing,
            number=number,
            start=start,
            stop=stop,
        )

    def _bury(self, scorer: ScorerProcess) -> int:
        self._scorers.remove(scorer)
        self.has_strays = True  # perhaps: its children are ours now
        scorer.connection.close()
        status = 0
        with contextlib.suppress(ChildProcessError):
            _, status, usage = os.wait4(scorer.pid, 0)
            self.peak_bytes = max(self.peak_bytes, usage.ru_maxrss * 1024)
            self.cpu_seconds -= scorer.cpu_seconds_before
        if scorer.death >= 0:
            os.close(scorer.death)
        return status

    def _farewell(self, scorer: ScorerProcess) -> Farewell | None:
        try:
            send(scorer.connection, {})
            if scorer.connection.poll(_FAREWELL_SECONDS):
                farewell: Farewell = receive(scorer.connection)
                return farewell
        except (OSError, EOFError):
            pass
        return None


def _death_of(pid: int) -> int:
    with contextlib.suppress(AttributeError, OSError):
        return os.pidfd_open(pid)
    return -1

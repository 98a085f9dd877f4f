"""A run's log: as it is, its end, or followed while the run works."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gristmill.cli.output import at
from gristmill.cli.progress import Patience
from gristmill.cli.run_state import FINAL, judge, plain_state

if TYPE_CHECKING:
    from gristmill.cli.client import Client, Json
    from gristmill.cli.command import Session
    from gristmill.cli.output import Screen
    from gristmill.cli.run_state import RunPlace

_PAUSE_SECONDS = 0.3


def show(session: Session, place: RunPlace, *, tail: int | None) -> None:
    """Print the log as far as it is written, or its last lines."""
    if tail is None:
        for block in session.client.stream(f"{place.path}/log"):
            _write(block)
        return
    for line in session.client.get(f"{place.path}/logs", limit=tail)["results"]:
        _write(f"{line}\n".encode())


def follow(session: Session, place: RunPlace, *, tail: int | None) -> None:
    """Print the log while it is written, until the run has ended.

    Raises:
        CommandFailed: the run failed or was canceled, or the server stays away.

    """
    follower, patience = Follower(session.client, session.screen, place, tail=tail), Patience(session.screen)
    while True:
        run = patience.with_answer(follower.step)
        state = plain_state(run["state"]) if run else ""
        if run and state in FINAL:
            judge(place.id, state, run.get("failure"))
            return
        time.sleep(_PAUSE_SECONDS)


class Follower:
    """Reads a log from where it read last. A run that begins again, on another worker, has a new log."""

    def __init__(self, client: Client, screen: Screen, place: RunPlace, *, tail: int | None) -> None:
        self._client = client
        self._screen = screen
        self._place = place
        self._tail = tail
        self._start = 0
        self._attempt = 0

    def step(self) -> Json:
        """Print what is new; return the run as it was before, so that nothing is missed of one that has ended."""
        run: Json = at(self._client.get(self._place.path), "entity.job_run")
        attempt = int(run.get("attempt") or 0)
        if self._start and attempt > self._attempt:
            self._screen.remark("The run begins again, and so does its log.")
            self._start = 0
        self._attempt = attempt
        blocks = self._client.stream(f"{self._place.path}/log", start=self._start)
        if self._tail is None:
            for block in blocks:
                _write(block)
                self._start += len(block)
            return run
        end, size = _end(blocks, self._tail)
        _write(end)
        # What was there at first is done with; from now on every byte counts.
        self._start, self._tail = self._start + size, None
        return run


def _end(blocks: Iterable[bytes], lines: int) -> tuple[bytes, int]:
    """Return the last lines, and the size of the whole."""
    last: deque[bytes] = deque(maxlen=lines)
    size, rest = 0, b""
    for block in blocks:
        size += len(block)
        *whole, rest = (rest + block).split(b"\n")
        last.extend(line + b"\n" for line in whole)
    if rest:
        last.append(rest)
    return b"".join(last), size


def _write(block: bytes) -> None:
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()

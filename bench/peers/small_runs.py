"""One protocol and one driver for all that run small jobs: each is asked the same, by the same code.

    python -m bench.peers.small_runs PEER --database URL [--keys 4] [--seconds 5]

Runs in the peer's environment, and prints one line of JSON. Runs are spread over the keys; of a key two may be at work.
After a warm-up, the *burst* submits as many as the peer does in the time, from four threads, as fast as it takes them;
its rate is that from the first submission to the last ending. Then the same number of threads submits at half that
rate: how late a run is counts from when it was to be submitted until its function began.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PER_KEY = 2
_THREADS = 4
_LOOK_SECONDS = 0.05
_MOST_SECONDS = 60.0
_LEAST_RUNS, _MOST_RUNS = 8, 5_000


class Peer(Protocol):
    """A system that is up: its workers may have two runs a key at work, of all keys together."""

    def submit(self, key: int) -> str:
        """Submit a run that does nothing but tell the time; return its id. Called by several threads at once."""

    def ended(self, number: int) -> bool:
        """Tell whether all runs submitted so far, which are so many, have ended."""

    def begun(self, runs: Sequence[str]) -> list[float]:
        """Return when these runs' functions began, in seconds since 1970; one that did not succeed is an error."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a peer is started with; ``folder`` is empty and its own."""

    database: str
    folder: Path
    keys: int

    @property
    def at_once(self) -> int:
        """The runs that may be at work together."""
        return self.keys * PER_KEY


@dataclass(frozen=True, slots=True)
class Figures:
    """A burst's runs a second, and how late runs began at half that, in seconds."""

    runs: int
    rate: float
    paced_runs: int
    late_p50: float
    late_p99: float


def main() -> None:
    """Start the peer, drive it, and print its figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("peer", help="a module bench.peers.of_PEER")
    arguments.add_argument("--database", required=True)
    arguments.add_argument("--keys", type=int, default=4)
    arguments.add_argument("--seconds", type=float, default=5.0)
    options = arguments.parse_args()
    up: Callable[[Start], AbstractContextManager[Peer]] = importlib.import_module(f"bench.peers.of_{options.peer}").up
    with tempfile.TemporaryDirectory(prefix=f"{options.peer}-") as folder:
        start = Start(options.database, Path(folder), options.keys)
        with up(start) as peer:
            figures = Driver(peer, options.keys).drive(options.seconds)
    print(json.dumps({name: getattr(figures, name) for name in Figures.__slots__}))


class Driver:
    """Submits and waits."""

    def __init__(self, peer: Peer, keys: int) -> None:
        self._peer, self._keys = peer, keys
        self._submitted = 0
        self._pool = ThreadPoolExecutor(_THREADS)

    def drive(self, seconds: float) -> Figures:
        """Warm up, burst for about so many seconds, and then go at half the pace for as long."""
        number = self._keys * PER_KEY
        self._burst(number)
        runs, rate = self._burst(number)
        # A few runs tell little of many: more, until they take the time.
        while number / rate < seconds / 2 and number < _MOST_RUNS:
            number = _within(max(2 * number, min(8 * number, rate * seconds)))
            runs, rate = self._burst(number)
        self._peer.begun(runs)
        late = sorted(self._paced(_within(rate / 2 * seconds), rate / 2))
        middle, most = statistics.median(late), late[min(len(late) - 1, int(len(late) * 0.99))]
        return Figures(runs=number, rate=rate, paced_runs=len(late), late_p50=middle, late_p99=most)

    def _burst(self, number: int) -> tuple[list[str], float]:
        begun = time.time()
        runs = list(self._pool.map(self._peer.submit, self._spread(number)))
        self._wait()
        return runs, number / (time.time() - begun)

    def _paced(self, number: int, rate: float) -> list[float]:
        begun = time.time() + 0.1
        times = [begun + position / rate for position in range(number)]
        runs = list(self._pool.map(self._submit_at, times, self._spread(number)))
        self._wait()
        return [at - planned for at, planned in zip(self._peer.begun(runs), times, strict=True)]

    def _submit_at(self, at: float, key: int) -> str:
        time.sleep(max(0.0, at - time.time()))
        return self._peer.submit(key)

    def _spread(self, number: int) -> list[int]:
        self._submitted += number
        return [position % self._keys for position in range(number)]

    def _wait(self) -> None:
        until = time.time() + _MOST_SECONDS
        while not self._peer.ended(self._submitted):
            if time.time() > until:
                sys.exit(f"After {_MOST_SECONDS:.0f} s not all of {self._submitted} runs had ended.")
            time.sleep(_LOOK_SECONDS)


def _within(number: float) -> int:
    return max(_LEAST_RUNS, min(_MOST_RUNS, round(number)))


if __name__ == "__main__":
    main()

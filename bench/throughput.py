"""How many small runs a second, from being submitted to being completed, and how late they begin, beside other systems.

    python -m bench.throughput [--rounds 3] [--seconds 5] [--keys 4] [--only gristmill,dbos] [--into FILE]

A run is a function that does nothing but tell the time, warm; two of a key may be at work. Everybody is driven by the
same code (`bench/peers/small_runs.py`), starts anew for each round, and has its turn in each. PostgreSQL is as its
makers have it: what is committed is on disk. Gristmill is asked over REST, keys are deployments. Limits: 300 runs a
second, and a start lateness of 1 s at the 99th percentile at half the load that a burst brought.

The peers come from the package index, each into an environment below .cache/bench. procrastinate has no limit of two:
there a key has two locks, which runs take in turn. Celery has no limit a key. Prefect, DBOS and Celery look at their
queues more often than they do by default. Figures are medians of all rounds; ``--into`` keeps them, and takes those
kept before in.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.postgres import Postgres, running_postgres

from bench.peers.environment import python_with

LIMIT_RATE = 300.0
LIMIT_LATE_SECONDS = 1.0
_MOST_SECONDS = 300


@dataclass(frozen=True, slots=True)
class System:
    """Who takes part; without requirements it is Gristmill itself."""

    peer: str
    database: str
    requirements: tuple[str, ...] = ()
    remark: str = ""

    @property
    def name(self) -> str:
        """What its row is called."""
        return f"{self.peer}, {self.database}"


SYSTEMS = (
    System("gristmill", "sqlite"),
    System("gristmill", "postgresql"),
    System("prefect", "postgresql", ("prefect==3.9.1",), "background tasks"),
    System("procrastinate", "postgresql", ("procrastinate==3.10.0",), "two locks a key"),
    System("dbos", "postgresql", ("dbos==3.4.0",)),
    System("ray", "own", ("ray[default]==2.60.0",), "Ray Jobs: a process each"),
    System("celery", "postgresql", ("celery[sqlalchemy]==5.7.0", "psycopg[binary]==3.3.9"), "no limit a key"),
)
Round = dict[str, dict[str, Any]]


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--keys", type=int, default=4)
    arguments.add_argument("--only", help="peers, with commas")
    arguments.add_argument("--into", type=Path)
    options = arguments.parse_args()
    systems = [system for system in SYSTEMS if not options.only or system.peer in options.only.split(",")]
    pythons = {system.peer: _python(system) for system in systems}
    rounds: list[Round] = json.loads(options.into.read_text()) if options.into and options.into.exists() else []
    for number in range(options.rounds):
        turn = len(rounds) % len(systems)
        rounds.append({})
        for system in [*systems[turn:], *systems[:turn]]:
            rounds[-1][system.name] = found = _driven(system, pythons[system.peer], options)
            print(f"round {number + 1}, {system.name}: {found['rate']:.1f} a second", file=sys.stderr, flush=True)
        if options.into:
            options.into.write_text(json.dumps(rounds))
    _table(rounds)


def _python(system: System) -> str:
    return python_with(system.peer, *system.requirements) if system.requirements else sys.executable


def _driven(system: System, python: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return what the driver found, in an environment and with a database of the system's own."""
    command = [python, "-m", "bench.peers.small_runs", system.peer, "--keys", str(options.keys)]
    command += ["--seconds", str(options.seconds)]
    with tempfile.TemporaryDirectory() as folder, running_postgres(durable=True) as server:
        command += ["--database", _database(system, Path(folder), server)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_MOST_SECONDS)
    if ran.returncode:
        sys.exit(f"{system.name} could not be measured:\n{ran.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def _database(system: System, folder: Path, server: Postgres) -> str:
    return f"sqlite:///{folder}/bench.db" if system.database == "sqlite" else server.new_empty_database()


def _table(rounds: list[Round]) -> None:
    measured: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in rounds:
        for name, figures in one.items():
            measured[name].append(figures)
    print(
        f"{'system, database':<28}{'rounds':>7}{'runs/s':>9}{'least':>8}{'most':>8}{'of limit':>10}{'late p50 ms':>13}"
        f"{'p99 ms':>9}{'of limit':>10}  remark"
    )
    for line in _rows(measured):
        print(line)
    _ratios(measured)


def _rows(measured: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    for system in SYSTEMS:
        if figures := measured.get(system.name):
            rates = [one["rate"] for one in figures]
            rate, p50, p99 = (
                statistics.median(one[name] for one in figures) for name in ("rate", "late_p50", "late_p99")
            )
            yield (
                f"{system.name:<28}{len(figures):>7}{rate:>9.1f}{min(rates):>8.1f}{max(rates):>8.1f}"
                f"{rate / LIMIT_RATE:>10.2f}{p50 * 1000:>13.0f}{p99 * 1000:>9.0f}{p99 / LIMIT_LATE_SECONDS:>10.2f}  "
                f"{system.remark}"
            )


def _ratios(measured: dict[str, list[dict[str, Any]]]) -> None:
    """Print how many times as fast Gristmill is, on its slower database, as each peer: the median of the rounds."""
    own = [measured[system.name] for system in SYSTEMS if not system.requirements and system.name in measured]
    for system in SYSTEMS:
        if own and system.requirements and (theirs := measured.get(system.name)):
            pairs = zip(*own, theirs, strict=False)
            ratios = [min(one["rate"] for one in mine) / their["rate"] for *mine, their in pairs]
            print(f"Gristmill is {statistics.median(ratios):.2f} times as fast as {system.name}")


if __name__ == "__main__":
    main()

"""How long forty light jobs take one after another on one worker: submitted, awaited, then the next.

    python -m bench.light_jobs [--jobs 40]

The job is a function that does nothing, over REST, on a `gristmill up` of its own. Limit: 2 s. The peers' figures are
published ones of other machines, for forty light steps in a row: compare the order of magnitude.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from bench.peers.of_gristmill import Gristmill, up
from bench.peers.small_runs import Start

LIMIT_SECONDS = 2.0
_JOBS = 40
_PUBLISHED_SECONDS = {"Airflow": 116.0, "Prefect": 4.9, "Temporal": 3.0, "Hatchet": 1.2}
_LOOK_SECONDS = 0.001


def main() -> None:
    """Print the figure beside the limit and those of others, as if all had done forty."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--jobs", type=int, default=_JOBS)
    number = arguments.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        start = Start(f"sqlite:///{folder}/light.db", Path(folder), keys=1)
        with up(start, two_processes=False) as server:
            _one_after_another(server, 5)
            seconds = _one_after_another(server, number) / number * _JOBS
    print(f"{'system':<12}{'s':>8}{'ratio':>8}")
    print(f"{'limit':<12}{LIMIT_SECONDS:>8.2f}{seconds / LIMIT_SECONDS:>8.2f}")
    for name, theirs in _PUBLISHED_SECONDS.items():
        print(f"{name:<12}{theirs:>8.2f}{seconds / theirs:>8.2f}  published")
    print(f"{'Gristmill':<12}{seconds:>8.2f}  {number} jobs, {seconds / _JOBS * 1000:.1f} ms each")


def _one_after_another(server: Gristmill, number: int) -> float:
    begun, runs = time.perf_counter(), []
    for _ in range(number):
        runs.append(server.submit(0))
        while not server.ended(len(runs)):
            time.sleep(_LOOK_SECONDS)
    seconds = time.perf_counter() - begun
    server.begun(runs)
    return seconds


if __name__ == "__main__":
    main()

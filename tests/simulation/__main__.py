"""``python -m tests.simulation 1..200``: live through seeds, and print the history of one that breaks something."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.simulation.simulation import STEPS, Laboratory


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("seeds", help="one seed, or a range: 17, 1..200, 3,5,8..12")
    parser.add_argument("--steps", type=int, default=STEPS, help="how many before the faults stop")
    parser.add_argument("--history", action="store_true", help="print histories also of seeds that hold")
    parser.add_argument("--go-on", action="store_true", help="do not stop at the first seed that breaks something")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        laboratory = Laboratory(Path(directory))
        broken = 0
        for seed in seeds(options.seeds):
            report = laboratory.simulate(seed, steps=options.steps)
            if options.history or (report.broken and not options.go_on):
                _say(str(report))
            _say(report.line)
            broken += bool(report.broken)
            if report.broken and not options.go_on:
                break
        laboratory.close()
    return 1 if broken else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def seeds(text: str) -> Iterator[int]:
    """Yield the seeds of ``17``, ``1..200`` or ``3,5,8..12``."""
    for part in text.split(","):
        first, _, last = part.partition("..")
        yield from range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main())

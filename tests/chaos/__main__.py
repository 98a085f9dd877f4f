"""``python -m tests.chaos --minutes 5 --seed 7``: real processes under faults, and what is left of what was asked."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.chaos import live
from tests.chaos.world import WORLDS


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="how long faults come")
    parser.add_argument("--seed", type=int, default=1, help="what decides on faults and requests")
    parser.add_argument("--world", choices=WORLDS, default="postgresql")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gristmill-chaos-") as directory:
        report = live(Path(directory), seed=options.seed, seconds=60 * options.minutes, world=options.world, say=_say)
    _say(f"{report.faults} faults, {len(report.broken)} broken promises")
    return 1 if report.broken else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Thousands of histories of scoring: bad rows, processes killed at any line, and books that must add up.

    python -m bench.histories [--examples 2000] [--seed 0]

Each history is a generated input with rows that do not convert, raise, crash or end their process, and attempts that
are killed somewhere and taken up again. Limit: not one may end otherwise than if nothing had happened.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from tests.unit.runner.scoring.histories import Attempts, History, follow, histories, stored_marked


def main() -> None:
    """Print how many histories ended well, and how many attempts were killed on the way."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--examples", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    counts = {"histories": 0, "attempts": 0, "rows resumed": 0, "bad rows": 0}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        attempts, model = Attempts(), stored_marked(Path(folder) / "model")

        @seed(options.seed)
        @settings(max_examples=options.examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(history=histories())
        def check(history: History) -> None:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                tries, resumed = follow(history, Path(place), model=model, attempts=attempts)
            counts["histories"] += 1
            counts["attempts"] += tries
            counts["rows resumed"] += resumed
            counts["bad rows"] += sum(not history.is_good(row) for row in history.rows)

        check()
        attempts.close()
    print(", ".join(f"{number} {name}" for name, number in counts.items()))
    print(f"all as if nothing had happened, in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()

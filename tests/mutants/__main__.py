"""``python -m tests.mutants [NAME ...]``: plant each mutant, and print which were found."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.mutants.mutant import Mutant, all_mutants


def main(names: list[str]) -> int:
    chosen = [mutant for mutant in all_mutants() if not names or mutant.name in names]
    missed = [mutant for mutant in chosen if not _found(mutant)]
    _say(f"\n{len(chosen) - len(missed)} of {len(chosen)} found.")
    return 1 if missed or not chosen else 0


def _found(mutant: Mutant) -> bool:
    with tempfile.TemporaryDirectory() as directory:
        found, said = mutant.is_found(Path(directory))
    _say(f"{'found ' if found else 'MISSED'}  {mutant.name:40} {mutant.plants}")
    _say(f"        by {mutant.found_by}")
    if not found:
        _say(said[-2000:])
    return found


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

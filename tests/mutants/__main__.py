"""``python -m tests.mutants [NAME or LINE ...]``: plant each mutant, and print a table of what was found."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.mutant import Mutant, Verdict, all_mutants


def main(names: Sequence[str]) -> int:
    chosen = [mutant for mutant in all_mutants() if not names or {mutant.name, *mutant.lines} & set(names)]
    if not chosen:
        _say("There is no such mutant: give names of patches in tests/mutants, or lines such as Q1.")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(_told, chosen))
    lines = {line for mutant, verdict in zip(chosen, verdicts, strict=True) if verdict.found for line in mutant.lines}
    found = sum(verdict.found for verdict in verdicts)
    _say(f"\n{found} of {len(chosen)} found, of {len(lines)} lines.")
    return 0 if found == len(chosen) else 1


def _told(mutant: Mutant) -> Verdict:
    with tempfile.TemporaryDirectory() as directory:
        verdict = mutant.judge(Path(directory))
    word, lines = "found" if verdict.found else "MISSED", ", ".join(mutant.lines)
    row = f"{word:6}  {lines:7} {verdict.seconds:5.1f} s  {mutant.name:38} {mutant.fault}"
    _say(row if verdict.found else f"{row}\nby {mutant.found_by}\n{verdict.said[-2000:]}")
    return verdict


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``python -m tests.mutants [NAME or LINE ...]``: plant each mutant, and print a table of what was found."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.mutant import Mutant, Verdict, all_mutants
from tests.mutants.soundness import unsound


def main(names: Sequence[str]) -> int:
    chosen = [mutant for mutant in all_mutants() if not names or {mutant.name, *mutant.lines} & set(names)]
    if not chosen:
        _say("There is no such mutant: give names of patches in tests/mutants, or lines such as Q1.")
        return 1
    with tempfile.TemporaryDirectory() as directory:
        broken = dict(unsound(chosen, Path(directory)))
    for mutant, said in broken.items():
        _say(f"BROKEN  {mutant.name}, which is not well typed and so proves nothing\n{said}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(_told, chosen))
    found = [mutant for mutant, verdict in zip(chosen, verdicts, strict=True) if verdict.found and mutant not in broken]
    lines = {line for mutant in found for line in mutant.lines}
    _say(f"\n{len(found)} of {len(chosen)} found, of {len(lines)} lines.")
    return 0 if len(found) == len(chosen) else 1


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

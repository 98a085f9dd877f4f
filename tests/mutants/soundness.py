"""Whether mutants are what they say: one that breaks for another reason, as a changed call, proves nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.mutant import ROOT, Mutant


def unsound(mutants: Sequence[Mutant], directory: Path) -> Iterator[tuple[Mutant, str]]:
    """Yield the mutants that are no longer well typed, and what the type checker said.

    They are planted one after the other in a copy of the source below ``directory``, so that only the first takes long.
    """
    shutil.copytree(ROOT / "src", directory / "src", ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", directory)
    for mutant in mutants:
        mutant.plant(directory)
        command = [sys.executable, "-m", "mypy", "src"]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        mutant.plant(directory, take_back=True)
        if done.returncode:
            yield mutant, done.stdout + done.stderr

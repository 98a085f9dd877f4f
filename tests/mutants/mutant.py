"""A mutant: a patch whose first lines say what it plants and which test must fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent
_HEAD = re.compile(r"^(Plants|Found by): (.+)$", re.MULTILINE)
_SECONDS = 300


@dataclass(frozen=True)
class Mutant:
    """``plants`` names the line of the list of known faults, ``command`` is what is run over the patched source.

    ``found_by`` is arguments of pytest, or ``seeds`` of the simulation.
    """

    path: Path
    plants: str
    found_by: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def command(self) -> list[str]:
        kind, *arguments = self.found_by.split()
        if kind == "seeds":
            return [sys.executable, "-m", "tests.simulation", *arguments]
        return [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", kind, *arguments]

    def is_found(self, directory: Path) -> tuple[bool, str]:
        """Plant it in a copy of the source below ``directory``; tell whether the tests fail, and what they say."""
        shutil.copytree(ROOT / "src", directory / "src", ignore=shutil.ignore_patterns("__pycache__", "static"))
        subprocess.run(["git", "apply", "-p1", str(self.path)], cwd=directory, check=True)
        environment = {**os.environ, "PYTHONPATH": str(directory / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            self.command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        # Another code is that of a test which could not be run at all.
        return done.returncode == 1, done.stdout + done.stderr


def all_mutants() -> list[Mutant]:
    """Return the mutants by name."""
    return [read(path) for path in sorted(PATCHES.glob("*.patch"))]


def read(path: Path) -> Mutant:
    """Read a patch's head."""
    head = dict(_HEAD.findall(path.read_text(encoding="utf-8")))
    return Mutant(path, plants=head["Plants"], found_by=head["Found by"])

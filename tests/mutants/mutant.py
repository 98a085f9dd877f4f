"""A mutant: a patch whose first lines say what it plants and which test must fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATCHES = Path(__file__).parent
_HEAD = re.compile(r"^(Plants|Found by): (.+)$", re.MULTILINE)
_PLANTED = re.compile(r"(?P<lines>[A-Z]\d+(?:, [A-Z]\d+)*): (?P<fault>.+)")
_FAILED = re.compile(r"^\d+ failed\b|\bbroke:", re.MULTILINE)
_SECONDS = 900


@dataclass(frozen=True)
class Verdict:
    """Whether the tests failed over what was planted, what they said, and how long that took."""

    found: bool
    said: str
    seconds: float


@dataclass(frozen=True)
class Mutant:
    """``lines`` name the lines of the list of known faults, ``fault`` is what is planted of them.

    ``found_by`` is arguments of pytest, or ``seeds`` of the simulation.
    """

    path: Path
    lines: tuple[str, ...]
    fault: str
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

    def plant(self, directory: Path, *, only_look: bool = False, take_back: bool = False) -> None:
        """Apply the patch to the source below ``directory``, or only see whether it can be applied, or take it back.

        Raises:
            CalledProcessError: it does not fit; ``stderr`` says where.

        """
        options = [*(["--check"] if only_look else []), *(["--reverse"] if take_back else [])]
        command = ["git", "apply", "-p1", *options, str(self.path)]
        subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True)

    def judge(self, directory: Path) -> Verdict:
        """Plant it in a copy of the source below ``directory``, and tell whether the tests that are named fail."""
        shutil.copytree(ROOT / "src", directory / "src", ignore=shutil.ignore_patterns("__pycache__", "static"))
        self.plant(directory)
        environment = {**os.environ, "PYTHONPATH": str(directory / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        begun = time.monotonic()
        try:
            done = subprocess.run(
                self.command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return Verdict(found=False, said=f"not done in {_SECONDS} s", seconds=time.monotonic() - begun)
        said = done.stdout + done.stderr
        # Another code is that of a test which could not be run at all; without these words nothing was run.
        return Verdict(done.returncode == 1 and bool(_FAILED.search(said)), said, time.monotonic() - begun)


def all_mutants() -> list[Mutant]:
    """Return the mutants by name."""
    return [read(path) for path in sorted(PATCHES.glob("*.patch"))]


def read(path: Path) -> Mutant:
    """Read a patch's head."""
    head = dict(_HEAD.findall(path.read_text(encoding="utf-8")))
    planted = _PLANTED.fullmatch(head["Plants"])
    assert planted, f"{path.name}: Plants: names no line of the list, as in 'Q1: what is wrong'"
    return Mutant(path, tuple(planted["lines"].split(", ")), planted["fault"], found_by=head["Found by"])

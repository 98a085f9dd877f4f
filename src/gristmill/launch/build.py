"""Builds one environment into a directory, with uv. Its words go to a file as they come."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import uv

from gristmill.domain.environment import PackageFile, Recipe
from gristmill.launch.interpreters import Interpreter

LayOut = Callable[[PackageFile, Path], None]
"""Lays a user's wheel or archive down as a file."""

_LOOK_SECONDS = 0.1
_END_SECONDS = 5.0
_WORDS_CHARACTERS = 1_000
_CROSS = "\N{MULTIPLICATION SIGN} "  # before what failed to build
# What uv is to know of the machine: how the administrator set it up, and how to reach the package index.
_PASSED_ON = ("HOME", "PATH", "TMPDIR", "LANG", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
_PASSED_ON_PREFIXES = ("UV_", "XDG_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class BuildFailed(Exception):
    """The environment cannot be built; the message ends with uv's own words."""


class BuildStopped(Exception):
    """Nobody wants the environment any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How long a build may take, who may stop it, and what is to be done in the meantime."""

    seconds: float
    stopped: Callable[[], bool]
    meanwhile: Callable[[], None]


def build(recipe: Recipe, interpreter: Interpreter, draft: Path, *, lay_out: LayOut, log: Path, watch: Watch) -> None:
    """Make ``draft`` a relocatable virtual environment with everything that the recipe asks for, compiled.

    Raises:
        BuildFailed: it cannot be resolved, does not build, or took too long.
        BuildStopped: ``watch.stopped`` says so.

    """
    deadline = time.monotonic() + watch.seconds
    inputs = draft.with_suffix(".inputs")
    arguments = _laid_out(recipe, inputs, lay_out)
    install = ["pip", "install", "--python", str(draft / "bin" / "python"), "--compile-bytecode", *arguments]
    steps = [["venv", "--quiet", "--no-project", "--relocatable", "--python", str(interpreter.path), str(draft)]]
    steps += [install] if arguments else []
    for step in steps:
        _run(step, log, watch, deadline)


def _laid_out(recipe: Recipe, inputs: Path, lay_out: LayOut) -> list[str]:
    """Write what uv reads, and return what names it."""
    inputs.mkdir(parents=True)
    arguments: list[str] = []
    if recipe.requirements:
        (inputs / "requirements.txt").write_text("\n".join(recipe.requirements) + "\n", encoding="utf-8")
        arguments += ["--requirements", str(inputs / "requirements.txt")]
    for number, file in enumerate(recipe.installed):
        path = _place(inputs / str(number), file)
        lay_out(file, path)
        arguments.append(str(path))
    for file in recipe.found:
        lay_out(file, _place(inputs / "found", file))
    return arguments + (["--find-links", str(inputs / "found")] if recipe.found else [])


def _place(directory: Path, file: PackageFile) -> Path:
    directory.mkdir(exist_ok=True)
    return directory / file.name


def _run(step: Sequence[str], log: Path, watch: Watch, deadline: float) -> None:
    with log.open("ab") as output:
        process = _started(step, output, log.parent)
        try:
            while process.poll() is None:
                watch.meanwhile()
                if watch.stopped():
                    raise BuildStopped
                if time.monotonic() > deadline:
                    raise BuildFailed(f"The build took longer than {watch.seconds:g} s and was ended.")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK_SECONDS)
        finally:
            _end(process)
    if process.returncode != 0:
        raise BuildFailed(_words(log))


def _started(step: Sequence[str], output: BinaryIO, root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - uv of our own installation
        [sys.executable, "-P", "-m", "gristmill_runner", "guard", uv.find_uv_bin(), *step],
        stdin=subprocess.PIPE,  # the lifeline: when this process is gone, so is the build
        stdout=output,
        stderr=subprocess.STDOUT,
        env=_variables(os.environ, root),
        cwd="/",  # a project's own settings, in a folder above the data directory, are none of ours
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a step: source archives run code of their own, which may start what it likes."""
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _variables(given: Mapping[str, str], root: Path) -> dict[str, str]:
    passed = {
        name: value
        for name, value in given.items()
        if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES) or name.lower() in _PROXIES
    }
    if "HOME" not in passed:
        passed.setdefault("UV_CACHE_DIR", str(root / "uv"))
    return {**passed, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}


def _words(log: Path) -> str:
    """Return the end of what uv said, from its error on."""
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    start = max(said.rfind("error: "), said.rfind(_CROSS))
    words = " ".join(line.strip() for line in said[max(start, 0) :].splitlines() if line.strip())
    return words if len(words) <= _WORDS_CHARACTERS else words[:_WORDS_CHARACTERS] + " ..."

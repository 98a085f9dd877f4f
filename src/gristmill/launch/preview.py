"""The first rows of a file, read in a process of its own: what a stranger's file does to it, it does to nobody else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from gristmill.launch import program
from gristmill.launch.environments import Environment
from gristmill_runner import protocol

_SECONDS = 25.0
# The first block of a file is an eighth of this.
_BLOCK_BYTES = 2 * 1024**2


class PreviewFailed(Exception):
    """The file cannot be previewed. ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def preview(directory: Path, name: str, *, rows: int, whole_bytes: int | None = None) -> dict[str, Any]:
    """Return the preview of the file ``inputs/data`` in a directory, which people know as ``name``.

    ``whole_bytes`` is the size of the file that this one is the beginning of. The shape: ``gristmill_runner.preview``.

    Raises:
        PreviewFailed: it cannot be read, or not within the bounds of a preview.

    """
    file = protocol.InputFile(path=f"{protocol.INPUTS}/data", name=name)
    spec = protocol.Spec(version=protocol.VERSION, kind="model", files=[file], block_bytes=_BLOCK_BYTES)
    protocol.write_spec(directory, spec)
    words = ("preview", str(directory), str(rows), str(whole_bytes or 0))
    environment = Environment(name="preview", python=Path(sys.executable))
    answer = _asked(program.command(environment, *words), program.variables(environment, directory), name)
    if failure := answer.get("failure"):
        raise PreviewFailed(str(failure["code"]), str(failure["message"]))
    return answer


def _asked(command: list[str], variables: dict[str, str], name: str) -> dict[str, Any]:
    with subprocess.Popen(  # noqa: S603 - the interpreter is the administrator's
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=variables,
        cwd="/",
        start_new_session=True,
    ) as process:
        try:
            out, _ = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise PreviewFailed("preview_failed", f"{name} cannot be read within {_SECONDS:g} s.") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        message = f"{name} cannot be read within the memory and the time that a preview has."
        raise PreviewFailed("preview_failed", message) from None
    return answer

"""What user code finds around it: variables, a current directory, places for temporary files; and all of it undone."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gristmill_runner.protocol import Spec
from gristmill_runner.run_context import WORK


@contextlib.contextmanager
def surroundings(directory: Path, spec: Spec) -> Iterator[None]:
    """Give user code its variables, directory and streams, and take them back afterwards."""
    work = directory / WORK
    work.mkdir(exist_ok=True)
    before, streams = dict(os.environ), (sys.stdout, sys.stderr)
    os.environ.update({"HOME": str(work), "TMPDIR": str(work), **(spec.get("environment_variables") or {})})
    os.environ.update(spec.get("platform_variables") or {})
    os.chdir(work)
    tempfile.tempdir = None
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        _restore_environment(before)
        tempfile.tempdir = None
        os.chdir("/")


def _restore_environment(before: dict[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})

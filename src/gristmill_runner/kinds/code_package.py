"""Kind ``code_package``: a tree of files, one of which is run: a Python or R script, or a notebook."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from gristmill_runner.batch_folder import run_in_batch
from gristmill_runner.failure import RunFailed
from gristmill_runner.kinds.notebook import run_notebook_file
from gristmill_runner.kinds.python_script import execute_python
from gristmill_runner.kinds.r_script import execute_r
from gristmill_runner.protocol import Result
from gristmill_runner.run_context import WORK, Run


def run_code_package(run: Run) -> Result:
    """Lay the tree into the current directory, where code may write beside it, and run its entry point there."""
    root = run.directory / WORK
    entry = _entry_point(run)
    shutil.copytree(run.asset, root, dirs_exist_ok=True)
    return run_file(run, root / entry, root=root)


def run_file(run: Run, file: Path, *, root: Path) -> Result:
    """Run a script or a notebook that imports its own modules from the tree at ``root``."""
    with _importable(root):
        if file.suffix == ".ipynb":
            return run_notebook_file(run, file)
        if file.suffix in (".R", ".r"):
            return run_in_batch(run, lambda: execute_r(file, run))
        return run_in_batch(run, lambda: execute_python(file, run.spec.get("memory_limit_bytes")))


def _entry_point(run: Run) -> Path:
    wanted = run.spec.get("entrypoint") or ""
    file = (run.asset / wanted).resolve()
    if not wanted or not file.is_file() or run.asset.resolve() not in file.parents:
        raise RunFailed("asset_missing", f"the package has no file {wanted!r} to begin with")
    return file.relative_to(run.asset.resolve())


@contextlib.contextmanager
def _importable(root: Path) -> Iterator[None]:
    """Let code import the package's own modules, in this process and in those that it starts."""
    given = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root), *([given] if given else [])])
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))

"""Kind ``notebook``: executed cell by cell in a kernel; what has been executed is kept, however the run ends."""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
from pathlib import Path
from typing import Any

from gristmill_runner.batch_folder import announce, file_of, pack
from gristmill_runner.failure import RunFailed
from gristmill_runner.notebooks import document, parameters
from gristmill_runner.notebooks.cells import Cells
from gristmill_runner.notebooks.kernel import Kernel
from gristmill_runner.progress import Progress
from gristmill_runner.protocol import ARCHIVE, PROGRESS, RESULTS, Result
from gristmill_runner.run_context import Run


def run_notebook(run: Run) -> Result:
    """Execute the notebook of an asset."""
    return run_notebook_file(run, file_of(run.asset, (".ipynb",)))


def run_notebook_file(run: Run, file: Path) -> Result:
    """Execute a notebook; it is written after every cell, and as a page of HTML at the end.

    Raises:
        RunFailed: it cannot be read, or has no kernel here.

    """
    announce(run)
    _refuse_without_libraries()
    notebook = document.read(file)
    language = document.language_of(notebook)
    _inject(run, notebook, language)
    executed = run.directory / RESULTS / f"{document.stem_of(file)}.ipynb"
    document.write(notebook, executed)
    # Takes a second, which the kernel's start leaves.
    threading.Thread(target=_import_exporter, daemon=True).start()
    kernel = Kernel(run.directory / "kernel", language=language, python=run.spec.get("python") or sys.executable)
    progress = Progress(run.directory / PROGRESS, document.executable(notebook), unit="cells")
    cells = Cells(
        notebook,
        kernel,
        progress,
        on_change=lambda: document.write(notebook, executed),
        on_end=lambda: _write_all(notebook, executed),
    )
    with contextlib.closing(progress):
        cause = cells.execute()
    pack(run, path=ARCHIVE)
    result: Result = {"outcome": "failed" if cause else "completed", "outputs": [f"{RESULTS}/{executed.name}"]}
    return {**result, "cause": cause} if cause else result


def _inject(run: Run, notebook: Any, language: str) -> None:  # noqa: ANN401 - a notebook of nbformat's
    given, variables = run.spec.get("parameters"), run.spec.get("variable_parameters") or {}
    parameters.inject(notebook, language=language, given=given, variables=variables)


def _write_all(notebook: Any, executed: Path) -> None:  # noqa: ANN401 - see _inject
    document.write(notebook, executed)
    document.write_page(notebook, executed.with_suffix(".html"))


def _refuse_without_libraries() -> None:
    for name in ("nbformat", "nbclient", "jupyter_client"):
        try:
            importlib.import_module(name)
        except ImportError as error:
            message = f"Notebooks need the package {name} in the environment that runs them: {error}."
            raise RunFailed("package_missing", message) from error


def _import_exporter() -> None:
    with contextlib.suppress(ImportError):
        importlib.import_module("nbconvert.exporters.html")

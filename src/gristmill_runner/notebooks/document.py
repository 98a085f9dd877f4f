"""A notebook as a file: read, looked at, written whole while it is executed, and written as a page of HTML."""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed, summary_of

SKIPPED = "skip-execution"
_STEM_CHARACTERS = 60
_PYTHON = re.compile(r"i?python", re.IGNORECASE)
_R = re.compile(r"(r|ir)\b", re.IGNORECASE)


def read(file: Path) -> Any:  # noqa: ANN401 - a notebook of nbformat's, which is imported late
    """Return the notebook, in the newest version of its format.

    Raises:
        RunFailed: the file is no notebook, or one of an unknown version.

    """
    import nbformat

    try:
        with warnings.catch_warnings():
            # Cells without ids get some; that is nothing for the log of a run.
            warnings.simplefilter("ignore")
            return nbformat.read(str(file), as_version=4)
    except Exception as error:
        raise RunFailed("notebook_invalid", f"{file.name} is no notebook: {summary_of(error)[:500]}") from error


def language_of(notebook: Any) -> str:  # noqa: ANN401 - see read
    """Return ``python`` or ``r``.

    Raises:
        RunFailed: the notebook names no kernel, or one of another language.

    """
    metadata = notebook.get("metadata", {})
    spec = metadata.get("kernelspec", {})
    name = str(spec.get("name") or "")
    language = str(spec.get("language") or metadata.get("language_info", {}).get("name") or name)
    if _PYTHON.match(language):
        return "python"
    if _R.match(language):
        return "r"
    if not language:
        raise RunFailed(
            "kernel_missing", "The notebook names no kernel in metadata.kernelspec; choose one and save it."
        )
    message = f"There is no kernel {name or language} ({language}) here: notebooks are run in Python and R."
    raise RunFailed("kernel_missing", message)


def executable(notebook: Any) -> int:  # noqa: ANN401 - see read
    """Return how many cells are to be executed."""
    return sum(is_executable(cell) for cell in notebook["cells"])


def is_executable(cell: Any) -> bool:  # noqa: ANN401 - see read
    """Tell whether a cell has code that is to be executed."""
    return bool(cell["cell_type"] == "code" and cell["source"].strip() and SKIPPED not in tags_of(cell))


def tags_of(cell: Any) -> list[str]:  # noqa: ANN401 - see read
    """Return a cell's tags."""
    return list(cell.get("metadata", {}).get("tags") or [])


def stem_of(file: Path) -> str:
    """Return a notebook's name without its ending."""
    return (file.stem if file.suffix == ".ipynb" else file.name)[:_STEM_CHARACTERS]


def write(notebook: Any, file: Path) -> None:  # noqa: ANN401 - see read
    """Write the notebook by rename, so that whoever finds it finds it whole."""
    from nbformat import v4

    file.parent.mkdir(exist_ok=True)
    draft = file.parent.parent / f"{file.name}.draft"
    # Not validated, as nbformat's own function would: what could be executed can be written.
    draft.write_text(v4.writes(notebook), encoding="utf-8")
    draft.replace(file)


def write_page(notebook: Any, file: Path) -> None:  # noqa: ANN401 - see read
    """Write the notebook as one page of HTML; where that cannot be had, the log says so and that is all."""
    try:
        from nbconvert.exporters.html import HTMLExporter

        page, _ = HTMLExporter().from_notebook_node(notebook)
    except Exception as error:  # noqa: BLE001 - the page is an extra
        print(f"There is no HTML of the notebook: {summary_of(error)[:500]}", file=sys.stderr)  # noqa: T201
        return
    draft = file.parent.parent / f"{file.name}.draft"
    draft.write_text(page, encoding="utf-8")
    draft.replace(file)

"""Writes results chunk by chunk, as scorers and the coordinator do between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.outputs.form import Form
from gristmill_runner.outputs.names import output_names

Scored = tuple[Chunk, Mapping[str, Any]]


def write(form: Form, scored: Sequence[Scored], path: Path, *, kinds: Mapping[str, str | None] | None = None) -> Path:
    """Return the file that holds these chunks; the first one tells its columns."""
    names = output_names(*scored[0])
    staged, target = path / "staged", path / "target"
    with staged.open("wb") as file:
        file.write(form.header(names))
        for chunk, predictions in scored:
            file.write(form.encode(chunk, predictions, names=names, kinds=kinds or {}))
    form.finish(staged, target, names=names)
    return target


def chunk(columns: Mapping[str, Any]) -> Chunk:
    """Return a chunk of these columns."""
    return Chunk("in", 1, list(columns), list(columns.values()))

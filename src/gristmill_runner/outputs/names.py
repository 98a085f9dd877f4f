"""The columns of an output, and where those of a chunk belong among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.failure import RunFailed


def output_names(chunk: Chunk, predictions: Iterable[str]) -> list[str]:
    """Return the output's column names; a prediction whose name the input has already gets a number."""
    names = input_names(chunk)
    for name in predictions:
        number, free = 2, name
        while free in names:
            number, free = number + 1, f"{name}_{number}"
        names.append(free)
    return names


def input_names(chunk: Chunk) -> list[str]:
    """Return the names of a chunk's columns; columns without a name get one by their position."""
    return list(chunk.names) if chunk.named else [f"column_{position + 1}" for position in range(len(chunk.names))]


def arranged(chunk: Chunk, names: Sequence[str]) -> list[Any]:
    """Return the chunk's columns in the order of the output's; None for one that it does not have.

    Raises:
        RunFailed: ``schema_mismatch``: it has a column that the output does not have.

    """
    own = input_names(chunk)
    if own == list(names):
        return list(chunk.columns)
    strange = [name for name in own if name not in names]
    if strange or len(set(own)) < len(own):
        told = ", ".join(strange or own)
        way_out = "let the rows before have it too, empty, or ask for JSON lines"
        raise RunFailed(
            "schema_mismatch", f"{chunk.where(0)} has other columns than the rows before: {told}; {way_out}"
        )
    by_name = dict(zip(own, chunk.columns))  # noqa: B905 - Python 3.9
    return [by_name.get(name) for name in names]

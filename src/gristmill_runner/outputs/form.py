"""What every form of output offers: bytes of chunks that may stand behind each other, and the file they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gristmill_runner.chunk import Chunk


@dataclass(frozen=True)
class Among:
    """Where the rows of a chunk stand (``positions``, from 0, ascending) among all ``rows`` of their block."""

    rows: int
    positions: Sequence[int]


class Form(Protocol):
    """A form of output. ``names`` are the columns of the whole output: the input's, then the predictions.

    They are told by ``names.output_names`` from the first chunk.
    """

    def header(self, names: Sequence[str]) -> bytes:
        """Return what stands before the first chunk."""

    def encode(
        self,
        chunk: Chunk,
        predictions: Mapping[str, Any],
        *,
        names: Sequence[str],
        kinds: Mapping[str, str | None],
        among: Among | None = None,
    ) -> bytes:
        """Return the chunk's rows with their predictions, which have a value a row in each column.

        ``kinds`` are those of the input's columns as far as they are known (``convert.py``). ``among`` tells of rows
        that were left out; an inline answer keeps a row of nulls for each of them.

        Raises:
            RunFailed: ``schema_mismatch``: the chunk has a column that the output does not have.

        """

    def check_rows(self, rows: int) -> None:
        """See to it that a file of this format can have so many rows.

        Raises:
            RunFailed: ``output_failed``: it cannot.

        """

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:
        """Make the output of header and chunks, which stand in ``staged``; that file may be moved away.

        Raises:
            RunFailed: ``output_failed``: the rows do not fit into a file of this format.

        """

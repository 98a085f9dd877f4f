"""What every form of output offers: bytes of chunks that may stand behind each other, and the file they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from gristmill_runner.chunk import Chunk


class Form(Protocol):
    """A form of output. ``names`` are the columns of the whole output: the input's, then the predictions."""

    def header(self, names: Sequence[str]) -> bytes:
        """Return what stands before the first chunk."""

    def encode(self, chunk: Chunk, predictions: Mapping[str, Any], *, names: Sequence[str]) -> bytes:
        """Return the chunk's rows with their predictions, which have a value a row in each column."""

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:
        """Make the output of header and chunks, which stand in ``staged``; that file may be moved away."""

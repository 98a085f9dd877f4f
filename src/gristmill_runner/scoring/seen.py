"""How many rows an input probably has, when only its beginning was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gristmill_runner.sources.source import Block, Source


@dataclass
class Seen:
    """The blocks that were seen: how many rows they have in how many bytes, behind a header of ``skipped`` bytes."""

    rows: int = 0
    size: int = 0
    skipped: int = 0

    def add(self, block: Block, *, rows: int) -> None:
        """Take in a block and the number of its rows."""
        self.skipped = self.skipped if self.size else block.start
        self.rows += rows
        self.size += block.stop - block.start

    def rows_of(self, inputs: Sequence[Source]) -> int | None:
        """Return the rows of all inputs, of those that do not tell as many as their size would hold."""
        rows = 0
        for source in inputs:
            if source.rows is not None:
                rows += source.rows
            elif source.size_bytes is None or not self.size:
                return None
            else:
                rows += round(max(0, source.size_bytes - self.skipped) * self.rows / self.size)
        return rows

"""A chunk: some rows of the input, column by column, exactly as they were read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

Column = Any  # a pyarrow.Array (CSV and Parquet) or a list of JSON values (inline tables and JSON lines)


@dataclass(frozen=True)
class Chunk:
    """Rows of one source. ``first_row`` counts data rows from 1; ``named`` is False for rows without field names.

    ``lines`` are the rows as they stood in a CSV file, where they may stand so in one that is written: an Arrow text
    array, each with the line break before it. Columns may then be of numbers already, whose text only the lines know.
    """

    source: str
    first_row: int
    names: list[str]
    columns: list[Column]
    named: bool = True
    lines: Column | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0]) if self.columns else 0

    def part(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``, counted from 0 within the chunk."""
        columns = [column[start:stop] for column in self.columns]
        lines = None if self.lines is None else self.lines[start:stop]
        return Chunk(self.source, self.first_row + start, self.names, columns, self.named, lines)

    def without(self, rows: Collection[int]) -> Chunk:
        """Return the chunk without some rows, counted from 0 within the chunk."""
        if not rows:
            return self
        kept = [row for row in range(self.rows) if row not in rows]
        columns = [_picked(column, kept) for column in self.columns]
        lines = None if self.lines is None else _picked(self.lines, kept)
        return Chunk(self.source, self.first_row, self.names, columns, self.named, lines)

    def where(self, row: int) -> str:
        """Name a row, counted from 0 within the chunk, for the person who looks for it."""
        return f"row {self.first_row + row}" + (f" of {self.source}" if self.source else "")


def _picked(column: Column, rows: list[int]) -> Column:
    return [column[row] for row in rows] if isinstance(column, list) else column.take(_indices(rows))


def _indices(rows: list[int]) -> Column:
    import pyarrow as pa

    return pa.array(rows, pa.int64())


def cell(column: Column, row: int) -> object:
    """Return one value as a plain Python object."""
    value = column[row]
    return value.as_py() if hasattr(value, "as_py") else value

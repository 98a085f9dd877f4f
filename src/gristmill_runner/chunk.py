"""A chunk: some rows of the input, column by column, exactly as they were read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Column = Any  # a pyarrow.Array (CSV and Parquet) or a list of JSON values (inline tables and JSON lines)


@dataclass(frozen=True)
class Chunk:
    """Rows of one source. ``first_row`` counts data rows from 1; ``named`` is False for rows without field names."""

    source: str
    first_row: int
    names: list[str]
    columns: list[Column]
    named: bool = True

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0]) if self.columns else 0

    def part(self, start: int, stop: int) -> Chunk:
        """Return the rows from ``start`` up to ``stop``, counted from 0 within the chunk."""
        columns = [column[start:stop] for column in self.columns]
        return Chunk(self.source, self.first_row + start, self.names, columns, self.named)

    def where(self, row: int) -> str:
        """Name a row, counted from 0 within the chunk, for the person who looks for it."""
        return f"row {self.first_row + row}" + (f" of {self.source}" if self.source else "")


def cell(column: Column, row: int) -> object:
    """Return one value as a plain Python object."""
    value = column[row]
    return value.as_py() if hasattr(value, "as_py") else value

"""A CSV file: its first line names the columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.convert import INTEGER, NUMBER
from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import Dialect as Told
from gristmill_runner.sources.csv_cut import whole_rows
from gristmill_runner.sources.csv_head import CsvHead, head_of
from gristmill_runner.sources.csv_lines import lines_of
from gristmill_runner.sources.csv_parse import CsvParser
from gristmill_runner.sources.range_bytes import bytes_of
from gristmill_runner.sources.source import Block, Parsed
from gristmill_runner.sources.text_blocks import Sizes, text_blocks
from gristmill_runner.sources.text_file import TextFile


@dataclass(frozen=True)
class CsvSource:
    """A file of rows; all cells are text, unless asked for as numbers."""

    number: int
    text: TextFile
    sizes: Sizes
    told: Told
    rows: int | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.text.name

    @property
    def size_bytes(self) -> int | None:
        """The size of the file, where blocks are ranges of it."""
        path = self.text.plain_path
        return None if path is None else path.stat().st_size

    @property
    def file_bytes(self) -> int | None:
        """The size of the file as it lies there."""
        return self.text.file_bytes

    def blocks(self, scratch: Path, *, after: Any = None) -> Iterator[Block]:  # noqa: ANN401 - a position
        """Cut between rows."""
        dialect = self.head.dialect
        return text_blocks(
            self.text,
            lambda content: whole_rows(content, dialect),
            source=self.number,
            begin=self.head.begin,
            after=after,
            scratch=scratch,
            sizes=self.sizes,
        )

    def parse(self, block: Block, *, kinds: Mapping[str, str | None] | None = None) -> Parsed:
        """Return the rows of a block."""
        import pyarrow as pa

        content = bytes_of(block)
        lines = None if kinds is None else lines_of(content, self.head.dialect)
        numbers = {} if lines is None else self._numbers(kinds or {})
        try:
            rows = self._parser.parse(content, numbers)
            if lines is not None and len(lines) != rows.total:
                lines, rows = None, self._parser.parse(content, {})
        except pa.ArrowInvalid as error:
            raise RunFailed("input_unreadable", f"{self.name} cannot be read as csv: {error}") from error
        if lines is not None:
            lines = lines.view(pa.string())  # by now it is known to be text
            lines = lines if rows.positions is None else lines.take(pa.array(rows.positions, pa.int64()))
        chunk = Chunk(self.name, 1, list(self.head.names), rows.columns, lines=lines)
        return Parsed(chunk, rows.total, rows.positions, rows.bad)

    @cached_property
    def head(self) -> CsvHead:
        """What its beginning tells."""
        return head_of(self.text, self.told)

    @cached_property
    def _parser(self) -> CsvParser:
        return CsvParser(len(self.head.names), self.head.dialect)

    def _numbers(self, kinds: Mapping[str, str | None]) -> dict[int, str]:
        """Return the columns that may be read as numbers, by position."""
        found = {}
        for position, name in enumerate(self.head.names):
            kind = kinds.get(name)
            if kind in (INTEGER, NUMBER) and kind is not None:
                found[position] = kind
        return found

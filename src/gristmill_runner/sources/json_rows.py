"""Rows as JSON, one a line: inline tables (lists of values), and files of objects with a member a column."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.sources.range_bytes import bytes_of
from gristmill_runner.sources.source import BadRow, Block, Parsed
from gristmill_runner.sources.text_blocks import Sizes, after_last_line, text_blocks
from gristmill_runner.sources.text_file import TextFile

_MARK = os.urandom(16).hex()
_JOINT = f',"{_MARK}",'
_SPACE = " \t\r\n"

Row = tuple[int, Any]
"""Where a row stands in its block, and its value."""


@dataclass(frozen=True)
class JsonLinesSource:
    """A file of JSON lines: objects with a member a column."""

    number: int
    text: TextFile
    sizes: Sizes
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
        """Cut after lines."""
        return text_blocks(
            self.text,
            after_last_line,
            source=self.number,
            begin=self.text.mark_bytes,
            after=after,
            scratch=scratch,
            sizes=self.sizes,
        )

    def parse(self, block: Block, *, kinds: Mapping[str, str | None] | None = None) -> Parsed:  # noqa: ARG002
        """Return the rows; columns are the members that they have, in the order in which these appear."""
        lines, bad = parsed_lines(bytes_of(block))
        return chunk_of_objects(self.name, lines, bad)


@dataclass(frozen=True)
class InlineSource:
    """An inline table: lists of values, or single values where there is one column."""

    number: int
    text: TextFile
    sizes: Sizes
    fields: list[str] | None
    rows: int | None
    members: dict[str, Any]
    name: str = ""

    @property
    def size_bytes(self) -> int | None:
        """The size of its file."""
        return None if self.text.path is None else self.text.path.stat().st_size

    @property
    def file_bytes(self) -> int | None:
        """The size of the file as it lies there."""
        return self.text.file_bytes

    def blocks(self, scratch: Path, *, after: Any = None) -> Iterator[Block]:  # noqa: ANN401 - a position
        """Cut after lines."""
        return text_blocks(
            self.text, after_last_line, source=self.number, begin=0, after=after, scratch=scratch, sizes=self.sizes
        )

    def parse(self, block: Block, *, kinds: Mapping[str, str | None] | None = None) -> Parsed:  # noqa: ARG002
        """Return the rows; without field names, columns are named by their positions."""
        lines, bad = parsed_lines(bytes_of(block))
        return chunk_of_lists("", lines, bad, fields=self.fields, width=self._width)

    @cached_property
    def _width(self) -> int:
        """How many values the first row has, where there are no field names to tell."""
        if self.fields is not None:
            return len(self.fields)
        with self.text.open_bytes() as lines:
            first = lines.readline()
        row = json.loads(first) if first.strip() else []
        return len(row) if isinstance(row, list) else 1


def parsed_lines(content: bytes) -> tuple[list[Row], list[BadRow]]:
    """Return the values of lines with JSON, and the lines that have none; blank ones do not count."""
    try:
        lines = [line for line in content.decode("utf-8").split("\n") if line.strip(_SPACE)]
        values = _at_once(lines)
    except ValueError:  # not UTF-8, or not JSON
        return _one_by_one(content)
    return list(enumerate(values)), []


def chunk_of_objects(source: str, lines: list[Row], bad: list[BadRow]) -> Parsed:
    """Return objects as rows; columns are the members that they have, in the order in which these appear."""
    rows = [(at, row) for at, row in lines if isinstance(row, dict)]
    odd = [_no_object(at, row) for at, row in lines if not isinstance(row, dict)] if len(rows) < len(lines) else []
    names = list(dict.fromkeys(key for _, row in rows for key in row))
    columns = [[row.get(name) for _, row in rows] for name in names]
    return _parsed(Chunk(source, 1, names, columns), rows, [*bad, *odd])


def chunk_of_lists(source: str, lines: list[Row], bad: list[BadRow], *, fields: list[str] | None, width: int) -> Parsed:
    """Return lists of values as rows, single values as lists of one; without names, columns have their positions."""
    rows: list[Row] = []
    odd: list[BadRow] = []
    for at, row in lines:
        cells = row if isinstance(row, list) else [row]
        if len(cells) == width:
            rows.append((at, cells))
        else:
            odd.append(_odd_length(at, cells, width))
    columns = [[cells[position] for _, cells in rows] for position in range(width)]
    names = fields or [str(position) for position in range(width)]
    return _parsed(Chunk(source, 1, list(names), columns, named=fields is not None), rows, [*bad, *odd])


def _parsed(chunk: Chunk, rows: list[Row], bad: list[BadRow]) -> Parsed:
    """Return what was parsed; positions only where rows are missing."""
    if not bad:
        return Parsed(chunk, len(rows))
    bad.sort(key=lambda row: row.position)
    return Parsed(chunk, len(rows) + len(bad), [at for at, _ in rows], bad)


def _at_once(lines: list[str]) -> list[Any]:
    """Parse many lines in one call, which takes a third of the time.

    A mark between them shows whether each line was a value of its own.
    """
    values = json.loads(f"[{_JOINT.join(lines)}]")
    rows, marks = values[::2], values[1::2]
    if len(rows) != len(lines) or any(mark != _MARK for mark in marks):
        raise ValueError("lines that are not JSON")
    return list(rows)


def _one_by_one(content: bytes) -> tuple[list[Row], list[BadRow]]:
    rows: list[Row] = []
    bad: list[BadRow] = []
    lines = [line for line in content.split(b"\n") if line.strip(_SPACE.encode())]
    for at, line in enumerate(lines):
        try:
            rows.append((at, json.loads(line.decode("utf-8"))))
        except UnicodeDecodeError:
            bad.append(BadRow(at, "is not UTF-8", text=line.decode("utf-8", "replace")))
        except (ValueError, RecursionError) as error:
            bad.append(BadRow(at, f"is not JSON: {error}", text=line.decode("utf-8")))
    return rows, bad


def _no_object(position: int, row: object) -> BadRow:
    text = json.dumps(row, ensure_ascii=False)
    return BadRow(position, "is not a JSON object with a member a column", text=text)


def _odd_length(position: int, cells: list[Any], width: int) -> BadRow:
    reason = f"has {len(cells)} values, where {width} are expected"
    return BadRow(position, reason, text=json.dumps(cells, ensure_ascii=False))

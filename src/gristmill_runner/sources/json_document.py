"""One JSON document with all rows: the wire's ``input_data``, one table of it, or a bare list of rows.

The document is read value by value, twice where the fields of a table stand behind its rows. Scratch
files hold rows as JSON lines, of which the first tells their columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed
from gristmill_runner.json_stream import JsonStream
from gristmill_runner.sources.json_rows import chunk_of_lists, chunk_of_objects, parsed_lines
from gristmill_runner.sources.range_bytes import bytes_of
from gristmill_runner.sources.source import Block, Parsed
from gristmill_runner.sources.text_blocks import Sizes
from gristmill_runner.sources.text_file import TextFile

_OBJECTS = json.dumps({"objects": True})
_Line = tuple[str, str]
"""What tells the columns of a row, and the row."""


@dataclass(frozen=True)
class JsonDocumentSource:
    """A file that holds one document; marks count rows."""

    number: int
    text: TextFile
    sizes: Sizes
    rows: int | None = None
    size_bytes: int | None = None
    file_bytes: int | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.text.name

    def blocks(self, scratch: Path, *, after: Any = None) -> Iterator[Block]:  # noqa: ANN401 - a number of rows
        """Read the document and lay its rows down in pieces."""
        row, held = after or 0, _Held()
        limit = self.sizes.usual if after else self.sizes.first
        for number, (head, line) in enumerate(self._lines()):
            if number < row:
                continue
            if held.lines and (head != held.head or held.size >= limit):
                row, limit = row + len(held.lines), self.sizes.usual
                yield self._block(held, scratch, row)
                held = _Held()
            held.add(head, line)
        if held.lines or row == 0:
            yield self._block(held, scratch, row + len(held.lines))

    def parse(self, block: Block, *, kinds: Mapping[str, str | None] | None = None) -> Parsed:  # noqa: ARG002
        """Return the rows."""
        head, _, lines = bytes_of(block).partition(b"\n")
        rows, bad = parsed_lines(lines)
        told = json.loads(head)
        if "objects" in told:
            return chunk_of_objects(self.name, rows, bad)
        fields: list[str] | None = told["fields"]
        width = len(fields) if fields is not None else told["width"]
        return chunk_of_lists(self.name, rows, bad, fields=fields, width=width)

    def _block(self, held: _Held, scratch: Path, mark: int) -> Block:
        path = scratch / f"{self.number}-{mark}.rows"
        path.write_text("\n".join([held.head or _OBJECTS, *held.lines]) + "\n", encoding="utf-8")
        return Block(self.number, path, 0, path.stat().st_size, mark, scratch=True)

    def _lines(self) -> Iterator[_Line]:
        file = self.text.open_text(self.text.mark_bytes)
        try:
            stream = JsonStream(file, refusal=self._refusal)
            yield from self._document(stream, _Behind(self))
            stream.end()
        finally:
            file.close()

    def _refusal(self, what: str) -> RunFailed:
        return RunFailed("input_unreadable", f"{self.name} is not {what}")

    def _document(self, stream: JsonStream, behind: _Behind) -> Iterator[_Line]:
        if stream.begins_with("["):
            yield from _rows(stream, None)
            return
        if not stream.begins_with("{"):
            raise self._refusal("a JSON document with rows: it begins neither with [ nor with {")
        yield from self._object(stream, "", behind)

    def _object(self, stream: JsonStream, where: str, behind: _Behind) -> Iterator[_Line]:
        """Read a table, or what holds tables."""
        fields: list[str] | None = None
        found = False
        for name in stream.members():
            if name == "values" and stream.begins_with("["):
                found = True
                yield from _rows(stream, fields, behind=behind.next_table())
            elif name == "input_data" and stream.begins_with("["):
                found = True
                for _ in stream.elements():
                    yield from self._object(stream, "input_data", behind)
            elif name == "scoring" and stream.begins_with("{"):
                found = True
                yield from self._object(stream, "scoring", behind)
            else:
                fields = self.member(stream, name, fields)
        if not found:
            place = f"{where} of {self.name}" if where else self.name
            raise RunFailed("input_unreadable", f"{place} holds no rows: input_data, values or a list is missing")

    def member(self, stream: JsonStream, name: str, fields: list[str] | None) -> list[str] | None:
        """Read a member that holds no rows; return the fields that are known then."""
        value = stream.value()
        if name != "fields" or value is None:
            return fields
        if not isinstance(value, list) or not all(isinstance(field, str) for field in value):
            raise RunFailed("input_unreadable", f"{self.name}: fields is not a list of column names")
        return value

    def fields_of_tables(self) -> list[list[str] | None]:
        """Read the document once more, without keeping a row; return the fields of its tables, in their order."""
        found: list[list[str] | None] = []
        file = self.text.open_text(self.text.mark_bytes)
        try:
            self._look(JsonStream(file, refusal=self._refusal), found)
        finally:
            file.close()
        return found

    def _look(self, stream: JsonStream, found: list[list[str] | None]) -> None:
        """Note the fields of a table, or of those that an object holds."""
        fields: list[str] | None = None
        tables: list[int] = []
        for name in stream.members():
            if name == "values" and stream.begins_with("["):
                tables.append(len(found))
                found.append(None)
                for _ in stream.elements():
                    stream.text()
            elif name == "input_data" and stream.begins_with("["):
                for _ in stream.elements():
                    self._look(stream, found)
            elif name == "scoring" and stream.begins_with("{"):
                self._look(stream, found)
            else:
                fields = self.member(stream, name, fields)
        for table in tables:
            found[table] = fields


class _Behind:
    """The fields of tables that stand behind their rows: looked for once, and only where rows came without any."""

    def __init__(self, source: JsonDocumentSource) -> None:
        self._source = source
        self._tables = 0
        self._found: list[list[str] | None] | None = None

    def next_table(self) -> Callable[[], list[str] | None]:
        """Return what finds the fields of the next table."""
        number = self._tables
        self._tables += 1

        def fields() -> list[str] | None:
            if self._found is None:
                self._found = self._source.fields_of_tables()
            return self._found[number]

        return fields


def _rows(
    stream: JsonStream, fields: list[str] | None, *, behind: Callable[[], list[str] | None] | None = None
) -> Iterator[_Line]:
    """Read rows: objects, or lists of values, of which the first tells how many there are to be."""
    head: str | None = None if fields is None else json.dumps({"fields": fields})
    for _ in stream.elements():
        is_object = stream.begins_with("{") and fields is None
        line = stream.text()
        if head is None:
            head = _OBJECTS if is_object else _headed(line, behind() if behind else None)
        yield head, line


class _Held:
    """Rows that become a block."""

    def __init__(self) -> None:
        self.head: str | None = None
        self.lines: list[str] = []
        self.size = 0

    def add(self, head: str, line: str) -> None:
        self.head = head
        self.lines.append(line)
        self.size += len(line)


def _headed(line: str, fields: list[str] | None) -> str:
    if fields is not None:
        return json.dumps({"fields": fields})
    row = json.loads(line)
    return json.dumps({"fields": None, "width": len(row) if isinstance(row, list) else 1})


def is_document(sample: bytes) -> bool:
    """Tell whether JSON is one document rather than a row a line, by its beginning."""
    first, _, rest = sample.lstrip().partition(b"\n")
    try:
        value = json.loads(first)
    except ValueError:
        return True  # a document over several lines, or nothing that is JSON
    if isinstance(value, dict):
        return not rest.strip() and bool({"input_data", "values", "scoring"} & set(value))
    return not rest.strip()

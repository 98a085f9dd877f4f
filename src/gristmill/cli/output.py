"""What commands print: tables for people, the wire's documents or bare ids for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from gristmill.cli.pages import Found

_GAP = "  "


class Form(StrEnum):
    """The forms of output."""

    TABLE = "table"
    JSON = "json"
    IDS = "ids"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its title, and where its value stands in the wire's document: ``metadata.id``, ``all.0``."""

    title: str
    path: str


class Screen:
    """Prints results to ``out`` in one form, and remarks for people to ``err``.

    A table's first column is the id. On a terminal rich sets tables and cuts what is too wide; elsewhere they are plain
    and whole.
    """

    def __init__(self, form: Form, *, quiet: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self.form = form
        self.quiet = quiet
        self.out = out or sys.stdout
        self.err = err or sys.stderr

    def listing(self, found: Found, columns: Sequence[Column]) -> None:
        """Print the documents of a list."""
        match self.form:
            case Form.JSON:
                self._json(found.items)
            case Form.IDS:
                self._lines(text(at(each, columns[0].path)) for each in found.items)
            case Form.TABLE:
                rows = [[at(each, column.path) for column in columns] for each in found.items]
                self.rows([column.title for column in columns], rows)
        if found.more:
            self.remark("There are more; --limit raises the number.")

    def document(self, document: Any, columns: Sequence[Column]) -> None:  # noqa: ANN401 - any JSON
        """Print one document; as a table, each column on a line of its own."""
        match self.form:
            case Form.JSON:
                self._json(document)
            case Form.IDS:
                self._lines([text(at(document, columns[0].path))])
            case Form.TABLE:
                width = max(len(column.title) for column in columns)
                shown = [(column.title, text(at(document, column.path))) for column in columns]
                self._lines(f"{title:<{width}}{_GAP}{value}" for title, value in shown if value)

    def rows(self, titles: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table of values."""
        cells = [[text(value) for value in row] for row in rows]
        if self.out.isatty():
            self._set(titles, cells)
            return
        widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
        for row in (titles, *cells):
            padded = (f"{value:<{width}}" for value, width in zip(row, widths, strict=True))
            self._lines([_GAP.join(padded).rstrip()])

    def remark(self, line: str) -> None:
        """Tell people something beside the result; programs that want quiet do not hear it."""
        if not self.quiet:
            self.complain(line)

    def complain(self, line: str) -> None:
        """Tell what belongs to an error, also to those who want quiet."""
        self.err.write(f"{line}\n")
        self.err.flush()

    def _set(self, titles: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        def cell(value: str) -> Text:
            return Text(value, no_wrap=True, overflow="ellipsis")

        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for number, title in enumerate(titles):
            # The others make room where the terminal is narrow: an id that is cut off is of no use.
            table.add_column(cell(title), no_wrap=number == 0)
        for row in cells:
            table.add_row(*map(cell, row))
        Console(file=self.out).print(table)

    def _json(self, document: Any) -> None:  # noqa: ANN401 - any JSON
        self._lines([json.dumps(document, indent=1, ensure_ascii=False)])

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.out.write(f"{line}\n")
        self.out.flush()


def at(document: Any, path: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what stands at a path of members, and of numbers in arrays; None where there is nothing."""
    for name in path.split("."):
        match document:
            case dict():
                document = document.get(name)
            case list() if name.isdigit() and int(name) < len(document):
                document = document[int(name)]
            case _:
                return None
    return document


def text(value: object) -> str:
    """Return a value for one cell: on one line, and without what would steer a terminal."""
    match value:
        case None:
            return ""
        case str():
            return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in value)
        case [*parts] if all(isinstance(part, str) for part in parts):
            return text(", ".join(map(str, parts)))
        case bool() | dict() | list():
            return text(json.dumps(value, ensure_ascii=False))
        case _:
            return str(value)

"""Parses CSV rows with Arrow: as text, or columns of numbers as such where every value is one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gristmill_runner.convert import INTEGER, NUMBER
from gristmill_runner.sources.csv_cut import row_ends
from gristmill_runner.sources.csv_dialect import Dialect
from gristmill_runner.sources.source import BadRow

_WORDS = ("null", "none", "nan", "na", "n/a", "#n/a")
_NULLS = ["", *(form for word in _WORDS for form in (word, word.upper(), word.capitalize())), "NaN"]
_COLUMN = re.compile(r"In CSV column #(\d+)")
_SOME = 4096


@dataclass(frozen=True)
class Rows:
    """Columns of rows that could be read, how many there were with the others, and those; see ``Parsed``."""

    columns: list[Any]
    total: int
    bad: list[BadRow]
    positions: Sequence[int] | None = None


class CsvParser:
    """Parses rows of one file, with so many columns."""

    def __init__(self, width: int, dialect: Dialect) -> None:
        self._width = width
        self._dialect = dialect
        self._texts: set[int] = set()  # columns that did hold something else than numbers

    def parse(self, content: bytes, numbers: Mapping[int, str]) -> Rows:
        """Return the rows. ``numbers`` are the kinds of columns that may come as numbers, by their positions.

        They do as long as every value is one or stands for null; a column that once held another is text from then on.

        Raises:
            pyarrow.ArrowInvalid: not one row is at fault.

        """
        import pyarrow as pa

        if not content[:_SOME].strip(b"\r\n") and not content.strip(b"\r\n"):
            return Rows([pa.array([], pa.string()) for _ in range(self._width)], 0, [])
        if not is_utf8(content):
            return self._without_garbage(content)
        while True:
            wanted = {at: kind for at, kind in numbers.items() if at not in self._texts}
            try:
                return self._read(content, wanted)
            except pa.ArrowInvalid as error:
                column = _COLUMN.search(str(error))
                if column is None or int(column[1]) not in wanted:
                    raise
                self._texts.add(int(column[1]))

    def _read(self, content: bytes, numbers: Mapping[int, str]) -> Rows:
        import pyarrow as pa
        from pyarrow import csv

        ragged: list[BadRow] = []

        def note(row: Any) -> str:  # noqa: ANN401 - a pyarrow.csv.InvalidRow
            reason = f"has {row.actual_columns} values, where {row.expected_columns} are expected"
            ragged.append(BadRow(row.number - 1, reason, text=row.text))
            return "skip"

        names = [str(position) for position in range(self._width)]
        types = {INTEGER: pa.int64(), NUMBER: pa.float64()}
        table = csv.read_csv(
            pa.py_buffer(content),
            # A single thread, because only then does Arrow know the number of a row that it refuses.
            read_options=csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
            parse_options=csv.ParseOptions(
                delimiter=self._dialect.delimiter,
                quote_char=self._dialect.quote,
                newlines_in_values=True,
                invalid_row_handler=note,
            ),
            convert_options=csv.ConvertOptions(
                column_types={name: types.get(numbers.get(at, ""), pa.string()) for at, name in enumerate(names)},
                strings_can_be_null=False,
                null_values=_NULLS,
                check_utf8=False,
            ),
        )
        columns = [_one_array(column) for column in table.columns]
        return _without(ragged, columns, table.num_rows)

    def _without_garbage(self, content: bytes) -> Rows:
        """Read what is UTF-8, row by row."""
        import numpy as np

        ends = row_ends(content, self._dialect).tolist()
        ends += [len(content)] if not ends or ends[-1] < len(content) else []
        rows = [content[start:end] for start, end in zip([0, *ends], ends)]  # noqa: B905 - Python 3.9
        rows = [row for row in rows if row.strip(b"\r\n")]
        good = [at for at, row in enumerate(rows) if is_utf8(row)]
        kept = set(good)
        bad = [_garbage(at, row) for at, row in enumerate(rows) if at not in kept]
        rest = self.parse(b"".join(rows[at] for at in good), {})
        positions = np.asarray(good)[list(rest.positions)] if rest.positions is not None else good
        bad += [BadRow(good[row.position], row.reason, text=row.text) for row in rest.bad]
        bad.sort(key=lambda row: row.position)
        return Rows(rest.columns, len(rows), bad, [int(at) for at in positions])


def _without(ragged: list[BadRow], columns: list[Any], rows: int) -> Rows:
    if not ragged:
        return Rows(columns, rows, [])
    total, bad = rows + len(ragged), {row.position for row in ragged}
    return Rows(columns, total, ragged, [at for at in range(total) if at not in bad])


def _one_array(column: Any) -> Any:  # noqa: ANN401 - a pyarrow.ChunkedArray
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def is_utf8(content: bytes) -> bool:
    """Tell whether bytes are text."""
    if content.isascii():
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _garbage(position: int, row: bytes) -> BadRow:
    text = row.decode("utf-8", "replace").rstrip("\r\n")
    return BadRow(position, "is not UTF-8", text=text)

"""Results as an Excel workbook with one sheet."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed, library_missing
from gristmill_runner.outputs.arrow_form import ArrowForm
from gristmill_runner.outputs.arrow_streams import count_rows, streams

MOST_ROWS = 1_048_575  # below the header
_MOST_COLUMNS = 16_384
_MOST_CHARACTERS = 32_767
_LARGEST_EXACT = 2**53
_FIRST_YEAR = 1900
_WAY_OUT = "ask for CSV or Parquet"


class WorkbookForm(ArrowForm):
    """An .xlsx file."""

    def check_rows(self, rows: int) -> None:
        """Refuse more rows than a sheet has."""
        if rows > MOST_ROWS:
            told = f"an Excel sheet holds {MOST_ROWS:,} rows below its header, and the result has {rows:,}"
            raise RunFailed("output_failed", f"{told}: {_WAY_OUT}")

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:
        """Write the sheet row by row.

        Raises:
            RunFailed: ``output_failed``: there are more rows or columns than a sheet holds, or a text is too long.

        """
        try:
            import xlsxwriter
        except ImportError as error:
            raise library_missing("xlsxwriter", "to write Excel files") from error
        self.check_rows(count_rows(staged))
        if len(names) > _MOST_COLUMNS:
            told = f"an Excel sheet holds {_MOST_COLUMNS:,} columns, and the result has {len(names):,}"
            raise RunFailed("output_failed", f"{told}: {_WAY_OUT}")
        with xlsxwriter.Workbook(target, {"constant_memory": True, "tmpdir": str(target.parent)}) as book:
            _Sheet(book, names).write(staged)


class _Sheet:
    def __init__(self, book: Any, names: Sequence[str]) -> None:  # noqa: ANN401 - xlsxwriter comes untyped
        self._sheet = book.add_worksheet()
        self._names = names
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._date = book.add_format({"num_format": "yyyy-mm-dd"})
        self._writers: dict[type, Callable[[int, int, Any], None]] = {
            str: self._text,
            bool: self._sheet.write_boolean,
            int: self._number,
            float: self._number,
            dt.datetime: self._moment,
            dt.date: self._day,
            decimal.Decimal: self._number,
        }

    def write(self, staged: Path) -> None:
        for column, name in enumerate(self._names):
            self._text(0, column, name)
        row = 0
        for reader in streams(staged):
            for batch in reader:
                for cells in zip(*(column.to_pylist() for column in batch.columns)):  # noqa: B905 - Python 3.9
                    row += 1
                    self._row(row, cells)

    def _row(self, row: int, cells: Sequence[Any]) -> None:
        for column, value in enumerate(cells):
            if value is not None:
                self._writers.get(_kind_of(value), self._other)(row, column, value)

    def _text(self, row: int, column: int, value: str) -> None:
        if len(value) > _MOST_CHARACTERS:
            place = f"row {row}, column {self._names[column]!r}"
            told = f"a cell of Excel holds {_MOST_CHARACTERS:,} characters, {place} has {len(value):,}"
            raise RunFailed("output_failed", f"{told}: {_WAY_OUT}")
        self._sheet.write_string(row, column, value)

    def _number(self, row: int, column: int, value: float | decimal.Decimal) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            if not math.isnan(value):
                self._text(row, column, str(value))
        elif isinstance(value, int) and abs(value) > _LARGEST_EXACT:  # Excel would round it
            self._text(row, column, str(value))
        else:
            self._sheet.write_number(row, column, value)

    def _moment(self, row: int, column: int, value: dt.datetime) -> None:
        if value.tzinfo is not None:
            value = value.astimezone(dt.timezone.utc).replace(tzinfo=None)  # noqa: UP017 - Python 3.9
        if value.year < _FIRST_YEAR:
            self._text(row, column, value.isoformat(" "))
        else:
            self._sheet.write_datetime(row, column, value, self._time)

    def _day(self, row: int, column: int, value: dt.date) -> None:
        if value.year < _FIRST_YEAR:
            self._text(row, column, value.isoformat())
        else:
            self._sheet.write_datetime(row, column, value, self._date)

    def _other(self, row: int, column: int, value: object) -> None:
        text = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else str(value)
        self._text(row, column, text)


def _kind_of(value: object) -> type:
    """Return the type, of pandas' times that of Python's."""
    return dt.datetime if isinstance(value, dt.datetime) else type(value)

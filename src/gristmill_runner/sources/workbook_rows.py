"""The first sheet of a workbook (.xlsx, .xlsb, .xls, .ods): its first row names the columns."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed, library_missing

_BATCH_ROWS = 20_000
_LARGEST_WHOLE = 2**53
MOST_BYTES = 512 * 2**20
_SHEETS = "xl/worksheets/"
_READ_TOO = ("xl/sharedStrings", "content.xml")
INTEGER, NUMBER, BOOLEAN, TIME, TEXT = "integer", "number", "boolean", "time", "text"


def workbook_batches(path: Path, row: int) -> Iterator[Any]:
    """Yield a sheet's rows as record batches, from a row on; blank rows do not count.

    Dates are times, formulas the values that they had, whole numbers integers where a column has no others; a column
    of values of several kinds is text.

    Raises:
        RunFailed: ``input_unreadable``, ``schema_mismatch``, ``library_missing``, ``input_too_large``.

    """
    import pyarrow as pa

    _refuse_large(path)
    sheet = _first_sheet(path)
    names = _names(sheet)
    kinds = _kinds(sheet, len(names))
    types = {INTEGER: pa.int64(), NUMBER: pa.float64(), BOOLEAN: pa.bool_(), TIME: pa.timestamp("us")}
    schema = pa.schema([pa.field(name, types.get(kind, pa.string())) for name, kind in zip(names, kinds)])  # noqa: B905
    rows = islice(_rows(sheet), row, None)
    any_rows = row > 0
    while batch := list(islice(rows, _BATCH_ROWS)):
        any_rows = True
        yield _batch(batch, kinds, schema)
    if not any_rows:
        yield pa.RecordBatch.from_pylist([], schema=schema)


def _refuse_large(path: Path) -> None:
    """Refuse what would take too much memory: a sheet is read whole, and takes up to thrice what it is unpacked."""
    size = _unpacked_bytes(path)
    if size > MOST_BYTES:
        told = f"a sheet is read as a whole, and may have {MOST_BYTES // 2**20} MiB unpacked"
        message = f"{path.name} has {size / 2**20:,.0f} MiB: {told}. Save it as CSV or Parquet, which have no limit"
        raise RunFailed("input_too_large", message)


def _unpacked_bytes(path: Path) -> int:
    """Return the size of the largest sheet, and of what is read besides."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError):  # one of before 2007, or none at all
        return path.stat().st_size
    largest = max((member.file_size for member in members if member.filename.startswith(_SHEETS)), default=0)
    return largest + sum(member.file_size for member in members if member.filename.startswith(_READ_TOO))


def _first_sheet(path: Path) -> Any:  # noqa: ANN401 - a CalamineSheet
    try:
        import python_calamine
    except ImportError as error:
        raise library_missing("python-calamine", "to read Excel files") from error
    try:
        return python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    except python_calamine.PasswordError as error:
        raise RunFailed("input_unreadable", f"{path.name} is protected by a password") from error
    except (python_calamine.CalamineError, OSError, IndexError) as error:
        raise RunFailed("input_unreadable", f"{path.name} cannot be read as a workbook: {error}") from error


def _names(sheet: Any) -> list[str]:  # noqa: ANN401
    first: Sequence[Any] = next(sheet.iter_rows(), [])
    names = [_text(cell) or f"column_{position}" for position, cell in enumerate(first, start=1)]
    if not any(cell != "" for cell in first):
        raise RunFailed("schema_mismatch", f"sheet {sheet.name!r} is empty: its first row should name the columns")
    return names


def _rows(sheet: Any) -> Iterator[Sequence[Any]]:  # noqa: ANN401
    rows = sheet.iter_rows()
    next(rows, None)
    return (row for row in rows if any(cell != "" for cell in row))


def _kinds(sheet: Any, width: int) -> list[str]:  # noqa: ANN401
    found: list[set[str]] = [set() for _ in range(width)]
    rows = _rows(sheet)
    while batch := list(islice(rows, _BATCH_ROWS)):
        for kinds, cells in zip(found, zip(*batch)):  # noqa: B905 - Python 3.9
            kinds.update(_kinds_of(cells))
    return [_one_of(kinds) for kinds in found]


def _kinds_of(cells: Sequence[Any]) -> set[str]:
    kinds = {_KINDS.get(kind, TEXT) for kind in set(map(type, cells)) - {str}}
    if any(type(cell) is str and cell for cell in cells):
        kinds.add(TEXT)
    if NUMBER in kinds and all(_is_whole(cell) for cell in cells if type(cell) is float):
        kinds = kinds - {NUMBER} | {INTEGER}
    return kinds


def _one_of(kinds: set[str]) -> str:
    if kinds == {INTEGER, NUMBER}:
        return NUMBER
    return next(iter(kinds)) if len(kinds) == 1 else TEXT


_KINDS: dict[type, str] = {float: NUMBER, int: INTEGER, bool: BOOLEAN, dt.datetime: TIME, dt.date: TIME}


def _is_whole(number: float) -> bool:
    return number.is_integer() and abs(number) <= _LARGEST_WHOLE


def _batch(rows: list[Sequence[Any]], kinds: list[str], schema: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    arrays = []
    for cells, kind, field in zip(zip(*rows), kinds, schema):  # noqa: B905 - Python 3.9
        convert = _CONVERTERS[kind]
        arrays.append(pa.array([None if cell == "" else convert(cell) for cell in cells], field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _text(cell: Any) -> str:  # noqa: ANN401
    if isinstance(cell, float) and _is_whole(cell):
        return str(int(cell))
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def _moment(cell: dt.date) -> dt.datetime:
    return cell if isinstance(cell, dt.datetime) else dt.datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001


_CONVERTERS: dict[str, Any] = {INTEGER: int, NUMBER: float, BOOLEAN: bool, TIME: _moment, TEXT: _text}

"""Parquet, Arrow and workbooks: types and values as they came, in pieces, and from any row on."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from tests import make_workbooks
from tests.unit.runner.sources.reading import Place

from gristmill_runner.failure import RunFailed
from gristmill_runner.sources import workbook_rows

TABLE = pa.table(
    {
        "n": pa.array([*range(999), None]),
        "text": pa.array([None, *(f"Zoë {number}" for number in range(999))]),
        "price": pa.array([decimal.Decimal("1.10"), *[None] * 999], pa.decimal128(12, 2)),
        "day": pa.array([dt.date(2026, 3, 29)] * 1000),
        "at": pa.array([dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC)] * 1000, pa.timestamp("us", "UTC")),
        "ok": pa.array([True, None] * 500),
        "list": pa.array([[1.5], None] * 500),
        "sort": pa.array(["a", "b"] * 500).dictionary_encode(),
    }
)


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=300)
    return sink.getvalue()


def arrow_file(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    feather.write_feather(table, sink, compression="zstd", chunksize=300)
    return sink.getvalue()


def streams(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    for start in range(0, max(1, table.num_rows), 400):
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.slice(start, 400), max_chunksize=150)
    return sink.getvalue()


FORMS = pytest.mark.parametrize(
    ("name", "content"), [("t.parquet", parquet), ("t.arrow", arrow_file), ("t.arrows", streams)]
)


@FORMS
@pytest.mark.parametrize("size", [300, 2**14, 2**23])
def test_a6_types_and_values_stay(tmp_path: Path, name: str, content: Callable[[pa.Table], bytes], size: int) -> None:
    place = Place(tmp_path).file(name, content(TABLE))
    read = place.read(size)
    assert [column.type for column in read.chunks[0].columns] == TABLE.schema.types
    assert read.dicts() == TABLE.to_pylist()
    assert [chunk.first_row for chunk in read.chunks] == [1] * len(read.chunks)
    for row in (1, 300, 999, 1000):
        assert place.read(size, after=row).rows == read.rows[row:]


@FORMS
def test_a6_no_rows_are_columns_all_the_same(tmp_path: Path, name: str, content: Callable[[pa.Table], bytes]) -> None:
    read = Place(tmp_path).file(name, content(TABLE.slice(0, 0))).read()
    assert (read.names, read.rows, len(read.blocks)) == (TABLE.column_names, [], 1)
    assert [column.type for column in read.chunks[0].columns] == TABLE.schema.types


def test_rows_are_known_of_parquet(tmp_path: Path) -> None:
    assert Place(tmp_path).file("t.parquet", parquet(TABLE)).sources()[0].rows == 1000


def test_small_pieces_are_brought_together(tmp_path: Path) -> None:
    assert len(Place(tmp_path).file("t.arrows", streams(TABLE)).read().blocks) == 1


def test_a6_larger_than_a_block(tmp_path: Path) -> None:
    table = pa.table({"n": range(100_000)})
    blocks = Place(tmp_path).file("t.parquet", parquet(table)).read(2**17).blocks
    assert [block.mark for block in blocks][-1] == 100_000
    assert max(block.stop for block in blocks) < 2**18
    assert blocks[0].stop < 2**15


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.xlsx"])
def test_what_is_of_another_format_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunFailed, match=rf"{name} cannot be read as") as caught:
        Place(tmp_path).file(name, b"x,y\n1,2\n").read()
    assert caught.value.code == "input_unreadable"


def workbook(rows: list[list[Any]], path: Path) -> bytes:
    with xlsxwriter.Workbook(path / "made.xlsx", {"default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, str) and value.startswith("="):
                    sheet.write_formula(number, column, value, None, 42)
                elif value is not None:
                    sheet.write(number, column, value)
        book.add_worksheet().write(0, 0, "not this one")
    content = (path / "made.xlsx").read_bytes()
    (path / "made.xlsx").unlink()
    return content


def test_first_sheet_of_a_workbook(tmp_path: Path) -> None:
    moment = dt.datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - Excel knows no zones
    rows: list[list[Any]] = [
        ["n", "x", "text", "at", "ok", "mixed", "sum", None, 2026],
        [1, 1.5, "a", moment, True, 1, "=40+2", None, 1],
        [None] * 9,
        [2, 2, None, dt.date(2026, 3, 29), False, "b", "=40+2", "z", 2],
        [None, 3, "007", None, None, 2.5, "=40+2", None, None],
    ]
    place = Place(tmp_path).file("in.xlsx", workbook(rows, tmp_path))
    read = place.read()
    assert read.names == ["n", "x", "text", "at", "ok", "mixed", "sum", "column_8", "2026"]
    types = ["int64", "double", "string", "timestamp[us]", "bool", "string", "int64", "string", "int64"]
    assert [str(column.type) for column in read.chunks[0].columns] == types
    day = moment.replace(hour=0, minute=0)
    assert read.rows == [
        [1, 1.5, "a", moment, True, "1", 42, None, 1],
        [2, 2.0, None, day, False, "b", 42, "z", 2],
        [None, 3.0, "007", None, None, "2.5", 42, None, None],
    ]
    assert place.read(1, after=1).rows == read.rows[1:]


@pytest.mark.parametrize(("name", "made"), [("in.xls", make_workbooks.xls), ("in.ods", make_workbooks.ods)])
def test_workbooks_of_other_programs(tmp_path: Path, name: str, made: Callable[[Any], bytes]) -> None:
    moment = dt.datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - Excel knows no zones
    rows = [
        ["n", "x", "text", "at", "ok", "mixed"],
        [1, 1.5, "Zoë <&>", moment, True, 1],
        [2, 2, "007", moment, False, "b"],
        [None, None, None, None, None, 2.5],
    ]
    place = Place(tmp_path).file(name, made(rows))
    read = place.read()
    assert read.names == rows[0]
    types = ["int64", "double", "string", "timestamp[us]", "bool", "string"]
    assert [str(column.type) for column in read.chunks[0].columns] == types
    assert read.rows == [
        [1, 1.5, "Zoë <&>", moment, True, "1"],
        [2, 2.0, "007", moment, False, "b"],
        [None, None, None, None, None, "2.5"],
    ]
    assert place.read(1, after=1).rows == read.rows[1:]


def test_a_workbook_that_would_not_fit_into_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, size in (("xl/worksheets/sheet1.xml", workbook_rows.MOST_BYTES), ("xl/sharedStrings.xml", 2**20)):
            archive.writestr(name, b"")
            archive.getinfo(name).file_size = size  # which the directory of the archive says then
    with pytest.raises(
        RunFailed, match=r"in\.xlsx has 513 MiB: .* may have 512 MiB unpacked\. Save it as CSV"
    ) as caught:
        Place(tmp_path).file("in.xlsx", packed.getvalue()).read()
    assert caught.value.code == "input_too_large"


def test_a6_workbook_without_rows(tmp_path: Path) -> None:
    read = Place(tmp_path).file("in.xlsx", workbook([["x", "y"]], tmp_path)).read()
    assert (read.names, read.rows) == (["x", "y"], [])


def test_a6_empty_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="is empty: its first row should name the columns"):
        Place(tmp_path).file("in.xlsx", workbook([], tmp_path)).read()

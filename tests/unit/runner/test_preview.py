"""Previews by the child program: what it makes of beginnings, of strange values, and of files that want too much."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import xlsxwriter

from gristmill_runner import preview_values, protocol

BLOCK_BYTES = 2 * 1024**2


def preview(directory: Path, content: bytes, name: str = "in.csv", *, rows: int = 5, whole: int = 0) -> dict[str, Any]:
    file = protocol.InputFile(path="inputs/data", name=name)
    spec = protocol.Spec(version=protocol.VERSION, kind="model", files=[file], block_bytes=BLOCK_BYTES)
    protocol.write_spec(directory, spec)
    (directory / "inputs" / "data").write_bytes(content)
    words = [sys.executable, "-I", "-m", "gristmill_runner", "preview", str(directory), str(rows), str(whole)]
    found: dict[str, Any] = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, timeout=60).stdout)
    return found


def test_half_a_row_at_the_end_of_a_beginning_is_not_shown(tmp_path: Path) -> None:
    row = b"%06d," + b"x" * 100_000 + b"\n"
    content = (b"id,text\n" + b"".join(row % n for n in range(45)))[: 4 * 1024**2]
    found = preview(tmp_path, content, rows=500, whole=100 * len(content))
    assert all(len(cells[1]) == 501 for cells in found["rows"])
    assert 35 <= len(found["rows"]) <= 41
    assert found["row_count_kind"] == "estimated"
    assert found["unreadable_rows"] == 0


def test_a_compressed_beginning_ends_where_it_was_cut(tmp_path: Path) -> None:
    packed = gzip.compress(b"a\n" + b"".join(b"%d\n" % (n * n) for n in range(10_000)))
    found = preview(tmp_path, packed[: len(packed) // 2], "in.csv.gz", whole=len(packed))
    assert "failure" in found or found["rows"][:2] == [["0"], ["1"]]


def test_more_rows_than_a_block_has_are_shown(tmp_path: Path) -> None:
    content = b"a,b\n" + b"".join(b"%d,%s\n" % (n, b"y" * 2_000) for n in range(400))
    found = preview(tmp_path, content, rows=400)
    assert [cells[0] for cells in found["rows"]] == [str(n) for n in range(400)]


def test_a_file_of_very_many_columns_is_cut(tmp_path: Path) -> None:
    names = ",".join(f"c{n}" for n in range(1_500))
    found = preview(tmp_path, f"{names}\n{','.join(['1'] * 1_500)}\n".encode())
    assert (len(found["columns"]), len(found["rows"][0]), found["columns_left_out"]) == (1_000, 1_000, 500)


def test_a_file_that_unpacks_without_end_is_given_up(tmp_path: Path) -> None:
    bomb = gzip.compress(b"a\n") + gzip.compress(b"1" * 2**25) * 80
    file = protocol.InputFile(path="inputs/data", name="bomb.csv.gz")
    protocol.write_spec(tmp_path, protocol.Spec(version=protocol.VERSION, kind="model", files=[file]))
    (tmp_path / "inputs" / "data").write_bytes(bomb)
    words = [sys.executable, "-I", "-m", "gristmill_runner", "preview", str(tmp_path), "5", "0"]
    ended = subprocess.run(words, check=False, capture_output=True, timeout=120)
    assert ended.returncode != 0 or "failure" in json.loads(ended.stdout)


def test_a_workbook_is_shown_and_counted(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["name", "beds"])
    for row in range(1, 31):
        sheet.write_row(row, 0, [f"room {row}", row])
    book.close()
    found = preview(tmp_path, buffer.getvalue(), "in.xlsx", rows=2)
    assert [column["name"] for column in found["columns"]] == ["name", "beds"]
    assert [row[0] for row in found["rows"]] == ["room 1", "room 2"]
    assert (found["row_count"], found["row_count_kind"]) == (30, "exact")


def test_the_first_member_of_an_archive_is_shown(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.csv", "a\n1\n2\n")
        archive.writestr("two.csv", "a\n3\n")
    found = preview(tmp_path, buffer.getvalue(), "in.zip")
    assert (found["rows"], found["row_count"], found["members"]) == ([["1"], ["2"]], 2, 2)


def test_a_document_of_the_wire_is_shown(tmp_path: Path) -> None:
    rows = [[number, f"text {number}"] for number in range(200_000)]
    content = json.dumps({"input_data": [{"fields": ["a", "b"], "values": rows}]}).encode()
    found = preview(tmp_path, content[: 2**20], "in.json", rows=2, whole=len(content))
    assert ([column["name"] for column in found["columns"]], found["rows"]) == (["a", "b"], rows[:2])


def test_streams_of_arrow_are_shown(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2], "b": pa.array([[1.5], None])})
    buffer = io.BytesIO()
    for _ in range(2):
        with pa.ipc.new_stream(buffer, table.schema) as stream:
            stream.write_table(table)
    found = preview(tmp_path, buffer.getvalue(), "in.arrow")
    assert found["columns"][0] == {"name": "a", "type": "int64", "inferred": False}
    assert (found["rows"][1], found["row_count"]) == ([2, None], 4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "-2", None, ""], "int64"),
        (["1", "2.5", "nan"], "double"),
        (["true", "False"], "bool"),
        (["2026-11-28"], "date32"),
        (["2026-11-28T10:00:00", "2026-11-28 10:00"], "timestamp"),
        (["1", "one"], "string"),
        ([None, ""], "null"),
        ([1, "one"], "mixed"),
        ([1, 2.5], "double"),
        ([[1], [2]], "list<item: int64>"),
    ],
)
def test_types_are_inferred(values: list[object], expected: str) -> None:
    assert preview_values.type_of(values) == expected

"""Every form of output: what it holds is what was scored, with its types."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.runner.outputs.writing import Scored, chunk, write
from tests.unit.runner.sources.reading import Place

from gristmill_runner.convert import INTEGER, NUMBER
from gristmill_runner.failure import RunFailed
from gristmill_runner.outputs import workbook_form
from gristmill_runner.outputs.form import Among
from gristmill_runner.outputs.names import output_names
from gristmill_runner.outputs.of_run import file_form, form

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.text(
    ',"\n\r ', max_size=4
)
MOMENT = dt.datetime(2026, 3, 29, 1, 2, 3, tzinfo=dt.UTC)


def typed() -> Scored:
    columns = {
        "n": pa.array([1, None]),
        "price": pa.array([decimal.Decimal("1.10"), None]),
        "day": pa.array([MOMENT.date(), None]),
        "at": pa.array([MOMENT, None], pa.timestamp("us", "UTC")),
        "ok": pa.array([True, None]),
        "text": pa.array(["a,b", None]),
    }
    return chunk(columns), {"prediction": np.array([0.5, np.nan]), "probability": np.array([[0.25, 0.75], [1, 0]])}


def file(name: str, scored: Sequence[Scored], path: Path, **more: Any) -> Path:
    return write(file_form({"path": f"results.{name}", "format": name.split(".")[0]}), scored, path, **more)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6), st.integers(1, 50))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_csv_is_read_back_by_python(tmp_path: Path, rows: list[tuple[str, str]], size: int) -> None:
    content = io.StringIO()
    csv.writer(content, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    read = Place(tmp_path).file("in.csv", content.getvalue()).read(size, kinds={})
    scored: list[Scored] = []
    scored += [(each, {"prediction": [None] * each.rows, "more": ["x,y"] * each.rows}) for each in read.chunks]
    text = file("csv", scored, tmp_path).read_bytes().decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["a", "b", "prediction", "more"],
        *([*row, "", "x,y"] for row in rows),
    ]


def test_csv_of_types(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(file("csv", [typed()], tmp_path).read_text())))
    assert rows[1] == ["1", "1.10", "2026-03-29", "2026-03-29 01:02:03.000000Z", "true", "a,b", "0.5", "[0.25, 0.75]"]
    assert rows[2] == ["", "", "", "", "", "", "", "[1.0, 0.0]"]


def test_csv_of_one_column_has_no_blank_lines(tmp_path: Path) -> None:
    scored: Scored = chunk({"x": pa.array(["", "a", None])}), {}
    assert file("csv", [scored], tmp_path).read_text() == 'x\n""\na\n""\n'


@pytest.mark.parametrize("name", ["parquet", "arrow"])
def test_types_stay(tmp_path: Path, name: str) -> None:
    scored = typed()
    path = file(name, [scored, scored], tmp_path)
    out = pq.read_table(path) if name == "parquet" else feather.read_table(path)
    assert out.schema.types[:6] == [column.type for column in scored[0].columns]
    assert out.schema.types[6:] == [pa.float64(), pa.list_(pa.float64())] or name == "parquet"
    first = [1, decimal.Decimal("1.10"), MOMENT.date(), MOMENT, True, "a,b", 0.5, [0.25, 0.75]]
    assert [list(row.values()) for row in out.to_pylist()] == [first, [*[None] * 7, [1.0, 0.0]]] * 2


def test_table_is_streams_of_the_same_types(tmp_path: Path) -> None:
    table = form({"output": {"kind": "table", "path": "t"}})
    alike = write(table, [typed(), typed()], tmp_path).read_bytes()
    assert sum(stream_rows(alike)) == 4
    first: Scored = chunk({"n": [1, 2], "s": [None, None]}), {"prediction": np.array([1, 2])}
    second: Scored = chunk({"n": [1.5, None], "s": ["a", None]}), {"prediction": np.array([1.5, np.nan])}
    unlike = write(table, [first, second], tmp_path).read_bytes()
    with pa.ipc.open_stream(unlike) as reader:
        assert reader.schema.types == [pa.float64(), pa.string(), pa.float64()]
        assert reader.read_all().to_pydict() == {
            "n": [1.0, 2.0, 1.5, None],
            "s": [None, None, "a", None],
            "prediction": [1.0, 2.0, 1.5, None],
        }


def stream_rows(content: bytes) -> list[int]:
    source, rows = pa.BufferReader(content), []
    while source.tell() < len(content):
        rows.append(pa.ipc.open_stream(source).read_all().num_rows)
    return rows


def test_values_of_several_types_become_text(tmp_path: Path) -> None:
    first: Scored = chunk({"x": [1, "a", {"b": [2]}]}), {"prediction": ["p", None, "q"]}
    second: Scored = chunk({"x": [True, None, 2**70]}), {"prediction": ["p", None, "q"]}
    out = pq.read_table(file("parquet", [first, second], tmp_path)).to_pydict()
    assert out["x"] == ["1", "a", '{"b": [2]}', "true", None, str(2**70)]


@pytest.mark.parametrize("kinds", [None, {"n": INTEGER, "x": NUMBER}])
@pytest.mark.parametrize("size", [12, 2**20])
def test_text_of_a_known_kind_is_typed_the_same_whichever_way_it_was_read(
    tmp_path: Path, kinds: dict[str, str | None] | None, size: int
) -> None:
    content = "n,x,code\n1,1.50,007\n,NaN,8\n3,,9\n4,2,x\n"
    read = Place(tmp_path).file("in.csv", content).read(size, kinds=kinds)
    scored: list[Scored] = [(each, {"prediction": np.arange(each.rows)}) for each in read.chunks]
    out = pq.read_table(file("parquet", scored, tmp_path, kinds={"n": INTEGER, "x": NUMBER}))
    assert [str(kind) for kind in out.schema.types] == ["int64", "double", "string", "int64"]
    values = out.to_pydict()
    assert (values["n"], values["x"]) == ([1, None, 3, 4], [1.5, None, None, 2.0])
    assert values["code"] == ["007", "8", "9", "x"]
    lines = file("jsonl", scored, tmp_path, kinds={"n": INTEGER, "x": NUMBER}).read_text().splitlines()
    assert [json.loads(line)["n"] for line in lines] == [1, None, 3, 4]
    assert [json.loads(line)["x"] for line in lines] == [1.5, None, None, 2.0]


def test_json_lines_and_document(tmp_path: Path) -> None:
    values = [1, "1.10", "2026-03-29", "2026-03-29T01:02:03+00:00", True, "a,b", 0.5, [0.25, 0.75]]
    names = output_names(*typed())
    rows = [json.loads(line) for line in file("jsonl", [typed()], tmp_path).read_text().splitlines()]
    assert rows[0] == dict(zip(names, values, strict=True))
    assert list(rows[1].values()) == [*[None] * 7, [1.0, 0.0]]
    document = json.loads(file("json", [typed(), typed()], tmp_path).read_text())
    assert document == {"predictions": [{"fields": names, "values": [values, [*[None] * 7, [1.0, 0.0]]] * 2}]}


def test_a6_no_rows(tmp_path: Path) -> None:
    scored: Scored = chunk({"x": pa.array([], pa.string())}), {"prediction": []}
    assert file("csv", [scored], tmp_path).read_text() == "x,prediction\n"
    assert file("jsonl", [scored], tmp_path).read_text() == ""
    assert gzip.decompress(file("jsonl.gz", [scored], tmp_path).read_bytes()) == b""
    assert json.loads(file("json", [scored], tmp_path).read_text()) == {
        "predictions": [{"fields": ["x", "prediction"], "values": []}]
    }
    assert pq.read_table(file("parquet", [scored], tmp_path)).column_names == ["x", "prediction"]
    assert write(form({"output": {"kind": "table"}}), [scored], tmp_path).stat().st_size


@pytest.mark.parametrize("name", ["csv.gz", "csv.zst", "jsonl.gz", "jsonl.zst"])
def test_compressed(tmp_path: Path, name: str) -> None:
    plain = file(name.split(".")[0], [typed(), typed()], tmp_path).read_bytes()
    with pa.CompressedInputStream(
        pa.OSFile(str(file(name, [typed(), typed()], tmp_path))), "gzip" if name.endswith("gz") else "zstd"
    ) as stream:
        assert stream.read() == plain


def test_workbook_is_read_back(tmp_path: Path) -> None:
    path = file("xlsx", [typed(), typed()], tmp_path)
    read = Place(tmp_path / "in").file("in.xlsx", path.read_bytes()).read()
    day = dt.datetime(2026, 3, 29)  # noqa: DTZ001 - Excel knows no zones
    assert read.names == output_names(*typed())
    assert read.rows[0] == [1, 1.1, day, MOMENT.replace(tzinfo=None), True, "a,b", 0.5, "[0.25, 0.75]"]
    assert read.rows[1] == [*[None] * 7, "[1.0, 0.0]"]
    assert len(read.rows) == 4


def test_what_excel_would_spoil_is_text(tmp_path: Path) -> None:
    columns = {"x": ["=1+1", "https://a.b", "007", str(2**60)], "n": [2**60, 1, -(2**60), 0]}
    scored: Scored = chunk(columns), {"prediction": np.array([np.inf, -np.inf, np.nan, 1.5])}
    read = Place(tmp_path / "in").file("in.xlsx", file("xlsx", [scored], tmp_path).read_bytes()).read()
    assert [row[0] for row in read.rows] == columns["x"]
    assert [row[1] for row in read.rows] == [str(2**60), "1", str(-(2**60)), "0"]
    assert [row[2] for row in read.rows] == ["inf", "-inf", None, "1.5"]


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path: Path) -> None:
    rows = workbook_form.MOST_ROWS + 1
    scored: Scored = chunk({"x": pa.nulls(rows, pa.int8())}), {"prediction": np.zeros(rows)}
    with pytest.raises(
        RunFailed, match="holds 1,048,575 rows below its header, and the result has 1,048,576"
    ) as caught:
        file("xlsx", [scored], tmp_path)
    assert caught.value.code == "output_failed"


def test_cell_longer_than_excel_holds_is_refused(tmp_path: Path) -> None:
    scored: Scored = chunk({"x": ["a" * 32_768]}), {"prediction": [1]}
    with pytest.raises(RunFailed, match="row 1, column 'x' has 32,768: ask for CSV or Parquet"):
        file("xlsx", [scored], tmp_path)


def test_inline_answer_keeps_a_row_for_each() -> None:
    inline, (scored, predictions) = form({"output": {"kind": "inline"}}), typed()
    content = inline.encode(scored, predictions, names=[], kinds={}, among=Among(4, [1, 3]))
    assert [json.loads(line) for line in content.splitlines()] == [
        [None, None],
        [0.5, [0.25, 0.75]],
        [None, None],
        [None, [1.0, 0.0]],
    ]


def test_columns_find_their_places_by_name(tmp_path: Path) -> None:
    first: Scored = chunk({"a": [1], "b": [2]}), {"prediction": [0]}
    second: Scored = chunk({"b": [3]}), {"prediction": [1]}
    assert file("csv", [first, second], tmp_path).read_text() == "a,b,prediction\n1,2,0\n,3,1\n"
    third: Scored = chunk({"a": [1], "c": [2]}), {"prediction": [0]}
    with pytest.raises(
        RunFailed, match="other columns than the rows before: c; let the rows before have it too"
    ) as caught:
        file("csv", [first, third], tmp_path)
    assert caught.value.code == "schema_mismatch"
    lines = file("jsonl", [first, third], tmp_path).read_text().splitlines()
    assert json.loads(lines[1]) == {"a": 1, "c": 2, "prediction": 0}


def test_a6_duplicate_columns_are_carried(tmp_path: Path) -> None:
    read = Place(tmp_path).file("in.csv", "x,x\n1,2\n").read(kinds={})
    scored: list[Scored] = [(each, {"x": [3], "prediction": [4]}) for each in read.chunks]
    assert file("csv", scored, tmp_path).read_text() == "x,x,x_2,prediction\n1,2,3,4\n"

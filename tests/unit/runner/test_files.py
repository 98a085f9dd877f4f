"""Scoring files: CSV, Parquet and JSON lines in and out, exactly, in order and in bounded pieces."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.runner.directories import PEOPLE, Directory, doubling_regressor, people_classifier, rows, stored

from gristmill_runner.failure import RunFailed


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(people_classifier(), tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def doubler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fields = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    return stored(doubling_regressor().fit(fields, [0.0, 2.0, 4.0]), tmp_path_factory.mktemp("doubler"))


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_csv_keeps_every_cell_as_it_came_and_appends_the_predictions(doubler: Path, tmp_path: Path) -> None:
    text = 'id,x,note\n007,1.50,"a, ""b"""\n008,0.1,\n009,1e2,"two\nlines"\n'
    directory = Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", text).to_file("out.csv")
    result = directory.run()
    lines = rows_of(directory.output("out.csv"))
    assert lines[0] == ["id", "x", "note", "prediction"]
    assert [row[:3] for row in lines[1:]] == [
        ["007", "1.50", 'a, "b"'],
        ["008", "0.1", ""],
        ["009", "1e2", "two\nlines"],
    ]
    assert [float(row[3]) for row in lines[1:]] == pytest.approx([3.0, 0.2, 200.0])
    assert result["outputs"] == ["outputs/out.csv"]
    assert result["rows"] == rows(3)


def test_csv_probabilities_are_json_in_one_cell(people: Path, tmp_path: Path) -> None:
    content = PEOPLE.to_csv(index=False)
    directory = Directory(tmp_path, asset_path=str(people)).with_file("in.csv", content).to_file("out.csv")
    directory.run()
    lines = rows_of(directory.output("out.csv"))
    expected = people_classifier().predict_proba(PEOPLE).tolist()
    assert [json.loads(row[4]) for row in lines[1:]] == expected
    assert [int(row[3]) for row in lines[1:]] == people_classifier().predict(PEOPLE).tolist()


def test_floats_survive_to_the_last_digit(tmp_path: Path, doubler: Path) -> None:
    values = [0.1, 1 / 3, 1e-300, 123456789.123456789, 5.0]
    content = "x\n" + "".join(f"{value!r}\n" for value in values)
    directory = Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", content).to_file("out.csv")
    directory.run()
    out = pd.read_csv(tmp_path / "outputs/out.csv", float_precision="round_trip")
    inline = Directory(tmp_path / "inline", asset_path=str(doubler)).with_rows([[value] for value in values], ["x"])
    inline.run()
    assert out["x"].tolist() == values
    assert out["prediction"].tolist() == [row[0] for row in inline.predictions()]


def test_many_chunks_stay_in_order(doubler: Path, tmp_path: Path) -> None:
    content = "n,x\n" + "".join(f"{number},{number}\n" for number in range(200_000))
    directory = Directory(tmp_path, asset_path=str(doubler), block_bytes=50_000, scorers=2)
    directory.with_file("in.csv", content).to_file("out.csv").run()
    out = pd.read_csv(tmp_path / "outputs/out.csv")
    assert out["n"].tolist() == list(range(200_000))
    assert (out["prediction"] - 2 * out["x"]).abs().max() < 1e-6


def test_taken_name_gets_a_number(doubler: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", "prediction,x\n9,1\n").to_file("o.csv")
    directory.run()
    assert rows_of(directory.output("o.csv"))[0] == ["prediction", "x", "prediction_2"]


@pytest.mark.parametrize("content", ["x\n", "x", "\ufeffx\n", "x\r\n"])
def test_a6_header_alone_gives_a_header(doubler: Path, tmp_path: Path, content: str) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", content).to_file("out.csv")
    assert directory.run()["rows"]["read"] == 0
    assert rows_of(directory.output("out.csv")) == [["x", "prediction"]]


@pytest.mark.parametrize("content", ["x,y\n1,2", "x,y\r\n1,2\r\n", "\ufeffx,y\n1,2\n", '"x","y"\n"1","2"\n'])
def test_a6_forms_of_csv(doubler: Path, tmp_path: Path, content: str) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", content).to_file("out.csv")
    directory.run()
    header, row = rows_of(directory.output("out.csv"))
    assert (header, row[:2]) == (["x", "y", "prediction"], ["1", "2"])
    assert float(row[2]) == pytest.approx(2.0)


def test_a6_row_larger_than_any_block(doubler: Path, tmp_path: Path) -> None:
    content = "x,note\n1,a\n2," + "b" * 40_000_000 + "\n3,c\n"
    directory = Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", content).to_file("out.csv")
    assert directory.run()["rows"] == rows(3)


def failure(directory: Directory) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        directory.run()
    return caught.value


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "schema_mismatch", "in.csv is empty"),
        (b"x,y\n1,2\n3\n", "row_failed", "row 2 of in.csv has 1 values, where 2 are expected"),
        (b"x\n\xff\xfe\n", "row_failed", "row 1 of in.csv, column 'x', value 'ÿþ'"),
        (b"x,x\n1,2\n", "schema_mismatch", "'x' appears more than once"),
        (b"y\n1\n", "schema_mismatch", "column 'x' missing in in.csv"),
        (b"x\n1\nhundred\n", "row_failed", "row 2 of in.csv, column 'x', value 'hundred'"),
    ],
)
def test_a6_faults_of_csv_are_told(doubler: Path, tmp_path: Path, content: bytes, code: str, words: str) -> None:
    error = failure(Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", content).to_file("out.csv"))
    assert (error.code, words in str(error)) == (code, True), str(error)


def test_a3_bad_row_far_down_is_named(doubler: Path, tmp_path: Path) -> None:
    lines = [str(number) for number in range(300_000)]
    lines[271_827] = "oops"
    content = "x\n" + "\n".join(lines) + "\n"
    error = failure(Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", content).to_file("out.csv"))
    assert str(error).startswith("row 271828 of in.csv: column 'x' holds 'oops'")


def test_type_seen_first_may_widen_later(doubler: Path, tmp_path: Path) -> None:
    content = "x\n" + "1\n" * 20 + "2.5\n"
    directory = (
        Directory(tmp_path, asset_path=str(doubler), block_bytes=100).with_file("in.csv", content).to_file("o.csv")
    )
    directory.run()
    assert float(rows_of(directory.output("o.csv"))[-1][1]) == pytest.approx(5.0)


def test_parquet_keeps_types_and_lists(people: Path, tmp_path: Path) -> None:
    table = pa.Table.from_pandas(PEOPLE.assign(at=pd.Timestamp("2026-03-29", tz="UTC"), flag=True))
    pq.write_table(table, tmp_path / "in.parquet")
    stored_types = pq.read_schema(tmp_path / "in.parquet").types
    directory = Directory(tmp_path / "run", asset_path=str(people), block_bytes=500)
    directory.with_file("in.parquet", (tmp_path / "in.parquet").read_bytes()).to_file("out.parquet", "parquet").run()
    out = pq.read_table(tmp_path / "run/outputs/out.parquet")
    assert out.column_names == [*table.column_names, "prediction", "probability"]
    assert [out.schema.field(name).type for name in table.column_names] == stored_types
    assert out["probability"].to_pylist() == people_classifier().predict_proba(PEOPLE).tolist()
    assert '"rows_total": 8' in (tmp_path / "run/progress.jsonl").read_text()


def test_csv_to_parquet_types_what_is_declared(doubler: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler), fields=[{"name": "x", "type": "double"}])
    directory.with_file("in.csv", "x,code\n1,007\n,008\n").to_file("out.parquet", "parquet")
    with pytest.raises(RunFailed, match=r"row 2 of in\.csv, column 'x', no value"):
        directory.run()
    directory.with_file("in.csv", "x,code\n1,007\n2,008\n").spec["files"].pop()
    directory.run()
    out = pq.read_table(tmp_path / "outputs/out.parquet").to_pydict()
    assert (out["x"], out["code"]) == ([1.0, 2.0], ["007", "008"])


def test_json_lines_in_and_out(people: Path, tmp_path: Path) -> None:
    lines = [{"age": 22, "fare": 7.25, "port": "S", "tags": ["a"]}, {"port": "C", "fare": 71, "age": 38, "tags": None}]
    content = "".join(json.dumps(line) + "\n" for line in lines)
    directory = Directory(tmp_path, asset_path=str(people)).with_file("in.jsonl", content).to_file("out.jsonl", "jsonl")
    directory.run()
    out = [json.loads(line) for line in directory.output("out.jsonl").splitlines()]
    assert [{name: row[name] for name in lines[0]} for row in out] == lines
    assert [len(row["probability"]) for row in out] == [2, 2]


def test_file_input_to_inline_answer(doubler: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", "x\n1\n2\n")
    directory.run()
    assert directory.predictions() == [[pytest.approx(2.0)], [pytest.approx(4.0)]]


def test_inline_input_to_file(doubler: Path, tmp_path: Path) -> None:
    directory = (
        Directory(tmp_path, asset_path=str(doubler)).with_rows([[1, "a"], [2, None]], ["x", "n"]).to_file("o.csv")
    )
    directory.run()
    rows = rows_of(directory.output("o.csv"))
    assert [row[:2] for row in rows] == [["x", "n"], ["1", "a"], ["2", ""]]


def test_several_files_become_one(doubler: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler)).with_file("a.csv", "x\n1\n").with_file("b.csv", "x\n2\n")
    directory.to_file("out.csv").run()
    assert len(rows_of(directory.output("out.csv"))) == 3


def test_unknown_output_format_is_refused(doubler: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler)).with_file("in.csv", "x\n1\n").to_file("out.xls", "xls")
    assert failure(directory).code == "unsupported_format"

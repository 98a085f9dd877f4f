"""Whole runs from one format to another: coordinator, scorers and files together."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from tests.unit.runner.directories import Directory, doubling_regressor, stored

from gristmill_runner.failure import RunFailed

ROWS = pd.DataFrame({"n": range(50), "x": [number / 4 for number in range(50)]})


@pytest.fixture(scope="module")
def doubler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fields = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    return stored(doubling_regressor().fit(fields, [0.0, 2.0, 4.0]), tmp_path_factory.mktemp("doubler"))


def inputs() -> dict[str, bytes]:
    text, workbook, parquet, arrow, archive = ROWS.to_csv(index=False), *(io.BytesIO() for _ in range(4))
    ROWS.to_excel(workbook, index=False, engine="xlsxwriter")
    pq.write_table(pa.Table.from_pandas(ROWS), parquet)
    feather.write_feather(pa.Table.from_pandas(ROWS), arrow)
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("a.csv", text)
    wire = {"input_data": [{"fields": ["n", "x"], "values": ROWS.to_numpy().tolist()}]}
    return {
        "semicolon.csv": text.replace(",", ";").encode("utf-16"),
        "in.csv.gz": gzip.compress(text.encode()),
        "in.json": json.dumps(wire).encode(),
        "in.xlsx": workbook.getvalue(),
        "in.parquet": parquet.getvalue(),
        "in.arrow": arrow.getvalue(),
        "in.zip": archive.getvalue(),
    }


@pytest.mark.parametrize("name", inputs())
def test_each_format_is_scored_alike(doubler: Path, tmp_path: Path, name: str) -> None:
    kind = {"semicolon": "csv", "csv": "csv"}.get(name.split(".")[0], name.split(".")[1])
    directory = Directory(tmp_path, asset_path=str(doubler), block_bytes=200)
    directory.with_file(name, inputs()[name], format=kind).to_file("out.parquet", "parquet")
    assert directory.run()["rows"]["scored"] == 50
    out = pq.read_table(tmp_path / "outputs/out.parquet").to_pandas()
    assert out["x"].astype(float).tolist() == ROWS["x"].tolist()
    assert out["prediction"].tolist() == pytest.approx((2 * ROWS["x"]).tolist())


def test_progress_through_a_compressed_file_is_told_in_its_bytes(doubler: Path, tmp_path: Path) -> None:
    content = gzip.compress(ROWS.to_csv(index=False).encode())
    Directory(tmp_path, asset_path=str(doubler), block_bytes=200).with_file("in.csv.gz", content).run()
    told = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert (told[-1]["bytes_done"], told[-1]["bytes_total"]) == (len(content), len(content))


@pytest.mark.parametrize("known", [True, False], ids=["known before", "seen on the way"])
def test_more_rows_than_a_sheet_holds_end_the_run_as_soon_as_that_is_known(
    doubler: Path, tmp_path: Path, known: bool
) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler)).to_file("out.xlsx", "xlsx")
    table = pa.table({"x": pa.repeat(1.0, 1_048_576)})
    if known:
        pq.write_table(table, directory.path / "inputs/in.parquet")
        directory.spec["files"].append({"path": "inputs/in.parquet", "name": "in.parquet"})
    else:
        directory.with_file("in.csv", "x\n" + "1\n" * 1_200_000)
    with pytest.raises(RunFailed, match=r"holds 1,048,575 rows .*: ask for CSV or Parquet") as caught:
        directory.run()
    assert caught.value.code == "output_failed"
    assert ((tmp_path / "progress.jsonl").stat().st_size > 0) is not known


@pytest.mark.parametrize("name", ["out.csv.gz", "out.json", "out.xlsx", "out.arrow"])
def test_each_format_is_written(doubler: Path, tmp_path: Path, name: str) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler), block_bytes=200)
    directory.with_file("in.csv", ROWS.to_csv(index=False)).to_file(name, name.split(".")[1]).run()
    path = tmp_path / "outputs" / name
    match name:
        case "out.csv.gz":
            out = pd.read_csv(path)
        case "out.json":
            [table] = json.loads(path.read_text())["predictions"]
            out = pd.DataFrame(table["values"], columns=table["fields"])
        case "out.xlsx":
            out = pd.read_excel(path, engine="calamine")
        case _:
            out = feather.read_feather(path)
    assert out["prediction"].tolist() == pytest.approx((2 * ROWS["x"]).tolist())
    assert out["n"].astype(int).tolist() == ROWS["n"].tolist()

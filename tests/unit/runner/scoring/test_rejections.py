"""Rows that cannot be scored: they are named, left out and kept, and there may be only so many."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.make import eventually
from tests.unit.runner.directories import (
    FIELDS,
    PEOPLE,
    Directory,
    doubling_regressor,
    people_classifier,
    rows,
    stored,
)
from tests.unit.runner.scoring.histories import FIELDS as MARKED_FIELDS
from tests.unit.runner.scoring.histories import quarantined, stored_marked
from tests.unit.runner.scoring.marked import ABORTS, CRASHES, EXITS, FINE, RAISES
from tests.unit.runner.warm import WARM

from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import read_result

NUMBERS = 40


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored_marked(tmp_path_factory.mktemp("marked") / "m")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(people_classifier(), tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def doubler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(doubling_regressor(), tmp_path_factory.mktemp("doubler"))


MarkedRun = Callable[..., Directory]


@pytest.fixture
def run_of(marked: Path, tmp_path: Path) -> MarkedRun:
    def make(acts: dict[int, Any], *, number: int = NUMBERS, **spec: Any) -> Directory:
        lines = [f"{n},{acts.get(n, FINE)}" for n in range(1, number + 1)]
        directory = Directory(tmp_path / "run", asset_path=str(marked), fields=MARKED_FIELDS, **spec)
        return directory.with_file("in.csv", "\n".join(["n,act", *lines, ""])).to_file("out.csv")

    return make


def scored(directory: Directory) -> list[int]:
    return [int(row["n"]) for row in csv.DictReader(io.StringIO(directory.output("out.csv")))]


def failed(directory: Directory) -> tuple[RunFailed, Any]:
    with pytest.raises(RunFailed) as caught:
        directory.run()
    return caught.value, read_result(directory.path)


def test_a2_no_row_may_be_rejected_unless_that_is_allowed(run_of: MarkedRun) -> None:
    error, result = failed(run_of({7: "seven"}))
    assert (error.code, str(error)) == (
        "row_failed",
        "row 7 of in.csv: column 'act' holds 'seven', which is not an integer",
    )
    assert result["rows"] == rows(NUMBERS, rejected=1, not_attempted=NUMBERS - 1)


@pytest.mark.parametrize(
    ("threshold", "bad", "completes"),
    [
        ({"rows": 2}, 2, True),
        ({"rows": 2}, 3, False),
        ({"share": 0.05}, 2, True),
        ({"share": 0.05}, 3, False),
        ({"share": 1.0}, 39, True),
        (None, 1, False),
    ],
)
@pytest.mark.parametrize("act", ["wrong", RAISES])
def test_a2_threshold_is_a_number_or_a_share(
    run_of: MarkedRun, threshold: Any, bad: int, completes: bool, act: Any
) -> None:
    acts = {NUMBERS - number: act for number in range(bad)}
    directory = run_of(acts, error_threshold=threshold, block_bytes=80)
    if completes:
        assert directory.run()["rows"] == rows(NUMBERS, rejected=bad)
        assert scored(directory) == [n for n in range(1, NUMBERS + 1) if n not in acts]
        return
    error, result = failed(directory)
    assert error.code == "row_failed"
    assert str(error).startswith(f"row {min(acts)} of in.csv")
    counts = result["rows"]
    assert counts["read"] == counts["scored"] + counts["rejected"] + counts["not_attempted"]
    assert len(quarantined(directory)) == counts["rejected"]


def test_a3_rejected_rows_are_named_in_the_result(run_of: MarkedRun) -> None:
    result = run_of({3: "three", 9: RAISES}, error_threshold={"rows": 9}).run()
    reason = "column 'act' holds 'three', which is not an integer"
    first, second = result["rejections"]
    assert first == {"source": "in.csv", "row": 3, "reason": reason, "column": "act", "value": "three"}
    assert (second["row"], second["reason"]) == (9, "ValueError: I do not take 9.0")


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (CRASHES, "the process that scored it died of a segmentation fault (SIGSEGV)"),
        (ABORTS, "the process that scored it died of signal SIGABRT"),
        (EXITS, "the process that scored it exited with code 3"),
    ],
)
def test_a4_rows_that_kill_their_process_are_found_and_left_out(run_of: MarkedRun, act: int, reason: str) -> None:
    bad = (5, 6, NUMBERS)
    directory = run_of(dict.fromkeys(bad, act), error_threshold={"rows": 3}, block_bytes=200, scorers=2)
    assert directory.run()["rows"] == rows(NUMBERS, rejected=3)
    assert scored(directory) == [n for n in range(1, NUMBERS + 1) if n not in bad]
    found = [(row["n"], row["act"], row["rejected_row"], row["rejected_reason"]) for row in quarantined(directory)]
    assert found == [(str(n), str(act), n, reason) for n in bad]


def test_a4_the_row_that_kills_is_named_where_none_may_be_rejected(run_of: MarkedRun) -> None:
    directory = run_of({23: CRASHES})
    error, result = failed(directory)
    reason = "the process that scored it died of a segmentation fault (SIGSEGV)"
    assert (error.code, str(error)) == ("row_failed", f"row 23 of in.csv: {reason}")
    assert result["rows"] == rows(NUMBERS, rejected=1, not_attempted=NUMBERS - 1)
    assert [(row["n"], row["act"]) for row in quarantined(directory)] == [("23", str(CRASHES))]


@pytest.mark.parametrize("number", [1, NUMBERS])
def test_a4_a_model_that_crashes_on_every_row_is_not_blamed_on_rows(run_of: MarkedRun, number: int) -> None:
    error, _ = failed(run_of(dict.fromkeys(range(1, number + 1), CRASHES), number=number))
    assert (error.code, "SIGSEGV" in str(error)) == ("segmentation_fault", True)


def test_a_model_that_raises_on_every_row_is_not_blamed_on_rows(run_of: MarkedRun) -> None:
    error, _ = failed(run_of(dict.fromkeys(range(1, NUMBERS + 1), RAISES), error_threshold={"share": 1.0}))
    assert (error.code, "fails on every row tried" in str(error)) == ("model_failed", True)


def test_inline_answers_keep_a_row_of_nulls(people: Path, tmp_path: Path) -> None:
    given = [list(row) for row in PEOPLE.to_numpy().tolist()]
    given[2][0], given[5][2] = "old", "Atlantis"
    directory = Directory(tmp_path, asset_path=str(people), fields=FIELDS, error_threshold={"rows": 2}, block_bytes=300)
    result = directory.with_rows(given, list(PEOPLE.columns)).with_rows(given[:3]).run
    with pytest.raises(RunFailed, match="3 rows were rejected, and the error threshold is 2"):
        result()
    directory.spec["error_threshold"] = {"rows": 3}
    answer = directory.run()
    assert [table["rows"] for table in answer["predictions"]] == [8, 3]
    assert [row[0] is None for row in directory.predictions(0)] == [n in (2, 5) for n in range(8)]
    assert directory.predictions(1) == [*directory.predictions(0)[:2], [None, None]]
    assert [(row["rejected_source"], row["rejected_row"]) for row in quarantined(directory)] == [
        ("1", 3),
        ("1", 6),
        ("2", 3),
    ]


@pytest.mark.parametrize("kind", ["csv", "inline"])
def test_quarantine_can_be_scored_alone(doubler: Path, tmp_path: Path, kind: str) -> None:
    spec: dict[str, Any] = {"asset_path": str(doubler), "error_threshold": {"rows": 1}}
    if kind == "inline":
        Directory(tmp_path / "1", **spec, fields=[{"name": "x", "type": "double"}]).with_rows([[1], ["five"]]).run()
    else:
        fields = [{"name": "x", "type": "double"}]
        Directory(tmp_path / "1", **spec, fields=fields).with_file("in.csv", "x\n1\nfive\n").to_file("out.csv").run()
    (file,) = (tmp_path / "1/results").iterdir()
    again = Directory(tmp_path / "2", **spec).with_file(file.name, file.read_text().replace("five", "7", 1))
    again.run()
    assert again.predictions() == [[pytest.approx(14.0)]]


def test_quarantine_has_the_columns_also_of_rows_that_have_none(doubler: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler), error_threshold={"rows": 1})
    directory.with_file("in.csv", "x\n1\n5,6\n").to_file("out.csv").run()
    reason = "has 2 values, where 1 are expected"
    assert quarantined(directory) == [{"x": "", "rejected_row": 2, "rejected_reason": reason, "rejected_text": "5,6"}]


def test_numbers_with_odd_values_among_them_are_numbers(tmp_path: Path, people: Path) -> None:
    content = PEOPLE.to_csv(index=False).replace("53.1", "dear")
    directory = Directory(tmp_path, asset_path=str(people), error_threshold={"rows": 1}).with_file("in.csv", content)
    result = directory.to_file("out.csv").run()
    assert result["rows"] == rows(8, rejected=1)
    assert [field["type"] for field in result["fields"]] == ["integer", "double", "string"]
    assert all(field["inferred"] for field in result["fields"])


def test_only_the_first_rows_are_looked_at_where_that_is_asked(run_of: MarkedRun) -> None:
    directory = run_of({2: RAISES, 20: CRASHES}, row_limit=15, error_threshold={"rows": 1}, block_bytes=80, scorers=2)
    assert directory.run()["rows"] == rows(15, rejected=1)
    assert scored(directory) == [1, *range(3, 16)]


def test_json_objects_without_a_member_that_those_before_had(tmp_path: Path, marked: Path) -> None:
    lines = [json.dumps({"act": FINE, "n": n, **({"note": n} if n < 5 else {})}) for n in range(200)]
    directory = Directory(tmp_path, asset_path=str(marked), block_bytes=3000)
    directory.with_file("in.jsonl", "\n".join(lines)).to_file("out.jsonl", "jsonl")
    assert directory.run()["rows"] == rows(200)
    assert [json.loads(line)["prediction"] for line in directory.output("out.jsonl").splitlines()] == [
        2 * n for n in range(200)
    ]


def test_a_canceled_run_tells_what_became_of_its_rows(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "run", asset_path=str(_slow(tmp_path / "slow")), block_bytes=80)
    lines = "".join(f"{n},0\n" for n in range(NUMBERS))
    directory.with_file("in.csv", f"n,act\n{lines}").to_file("out.csv").saved()
    WARM.begin(directory.path)
    eventually(lambda: (directory.path / "work/reached").exists(), within=60)
    os.kill(WARM.pid, signal.SIGTERM)
    result, _ = WARM.finish(directory.path)
    assert result["outcome"] == "canceled"
    assert 0 < result["rows"]["scored"] < 20
    assert result["rows"]["rejected"] == 0


def _slow(asset: Path) -> Path:
    """Store a model that waits for ever at row 20."""
    stored_marked(asset)
    source = (asset / "marked.py").read_text()
    waits = """if 20.0 in rows["n"].tolist():
            import time
            open("reached", "w").close()
            time.sleep(600)
        found = []"""
    (asset / "marked.py").write_text(source.replace("found = []", waits))
    return asset

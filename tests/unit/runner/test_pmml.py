"""PMML models: their own output fields, or prediction and probability; missing and unknown values."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from tests import make_pmml as documents
from tests.unit.runner.directories import Directory, rows

from gristmill_runner.failure import RunFailed


def scored(tmp_path: Path, document: str, fields: list[str], table: list[list[Any]]) -> tuple[Any, Directory]:
    (tmp_path / "model.xml").write_text(document, encoding="utf-8")
    directory = Directory(tmp_path / "run", asset_path=str(tmp_path / "model.xml"), asset_type="pmml_4.2.1")
    return directory.with_rows(table, fields).run(), directory


def softmax(age: float, sex: str | None) -> list[float]:
    a, b = 1 + 0.02 * age - 0.5 * (sex == "M"), 2.0
    return [math.exp(a) / (math.exp(a) + math.exp(b)), math.exp(b) / (math.exp(a) + math.exp(b))]


def test_regression_gives_prediction(tmp_path: Path) -> None:
    result, directory = scored(tmp_path, documents.regression(), ["b", "a"], [[2.5, 1.5], [1, 0], [4, None]])
    assert result["predictions"][0]["fields"] == ["prediction"]
    assert directory.predictions() == [pytest.approx([value]) for value in (2.75, 0.5, 1.0)]
    assert result["fields"] == [{"name": "a", "type": "double"}, {"name": "b", "type": "double"}]
    assert "pypmml" in result["packages"]


def test_classification_gives_prediction_and_probability(tmp_path: Path) -> None:
    people: list[list[Any]] = [[30.5, "M", 1], [60, "F", 2], [None, "F", 3], [50, "?", None]]
    result, directory = scored(tmp_path, documents.classification(), ["age", "sex", "visits"], people)
    assert result["predictions"][0]["fields"] == ["prediction", "probability"]
    expected = [softmax(30.5, "M"), softmax(60, "F"), softmax(40, "F")]
    got = directory.predictions()
    assert [row[1] for row in got[:3]] == [pytest.approx(probabilities) for probabilities in expected]
    assert [row[0] for row in got[:3]] == ["AB"[a < b] for a, b in expected]


def test_output_fields_keep_their_names(tmp_path: Path) -> None:
    document = documents.classification(documents.OWN_OUTPUT)
    result, directory = scored(tmp_path, document, ["age", "sex", "visits"], [[30, "M", 1]])
    assert result["predictions"][0]["fields"] == ["$R-drug", "$RC-drug", "$RP-A"]
    a, b = softmax(30, "M")
    assert directory.predictions() == [["B", pytest.approx(b), pytest.approx(a)]]


@pytest.mark.parametrize(("strategy", "missing"), [("defaultChild", "B"), ("lastPrediction", "A"), ("none", None)])
def test_tree_with_a_missing_value(tmp_path: Path, strategy: str, missing: str | None) -> None:
    _, directory = scored(tmp_path, documents.tree(strategy), ["age"], [[39.9], [40], [None]])
    assert [row[0] for row in directory.predictions()][:2] == ["A", "B"]
    assert directory.predictions()[2][0] == missing


def test_forest_of_segments(tmp_path: Path) -> None:
    result, directory = scored(tmp_path, documents.forest(), ["a", "b"], [[1, 1], [3, 1], [3, 3]])
    assert result["predictions"][0]["fields"] == ["estimate"]
    assert directory.predictions() == [[3.0], [4.0], [6.0]]


def test_scorecard_with_reasons(tmp_path: Path) -> None:
    result, directory = scored(tmp_path, documents.scorecard(), ["age"], [[20], [40]])
    assert result["predictions"][0]["fields"] == ["score", "reason"]
    assert directory.predictions()[0] == [10.0, "young"]
    assert directory.predictions()[1][0] == 15.0


def test_a3_a_value_that_the_model_does_not_know_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.xml").write_text(documents.classification(), encoding="utf-8")
    directory = Directory(tmp_path / "run", asset_path=str(tmp_path / "model.xml"), asset_type="pmml_4.2.1")
    directory.spec["error_threshold"] = {"rows": 2}
    directory.with_file("in.csv", "age,sex,visits\n30,M,1\n30,X,1\nold,F,1\n31,F,2\n").to_file("out.csv")
    result = directory.run()
    assert result["rows"] == rows(4, rejected=2)
    unknown, text = result["rejections"]
    assert (unknown["row"], unknown["column"], unknown["value"]) == (2, "sex", "X")
    assert "'X', which the model does not know" in unknown["reason"]
    assert (text["row"], text["column"], text["value"]) == (3, "age", "old")


def test_a3_a_number_outside_of_its_interval_is_named(tmp_path: Path) -> None:
    interval = '<Interval closure="openClosed" leftMargin="0" rightMargin="10"/><Value value="-9" property="missing"/>'
    (tmp_path / "model.xml").write_text(documents.regression(interval), encoding="utf-8")
    directory = Directory(tmp_path / "run", asset_path=str(tmp_path / "model.xml"), asset_type="pmml_4.2.1")
    directory.spec["error_threshold"] = {"rows": 2}
    directory.with_file("in.csv", "a,b\n1,10\n1,0\n1,10.5\n1,-9\n1,0.5\n").to_file("out.csv")
    result = directory.run()
    assert result["rows"] == rows(5, rejected=2)
    assert [(each["row"], each["column"], each["value"]) for each in result["rejections"]] == [
        (2, "b", "0"),
        (3, "b", "10.5"),
    ]
    assert "10.5, which is outside of what the model takes: (0, 10]" in result["rejections"][1]["reason"]


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="column 'b' missing"):
        scored(tmp_path, documents.regression(), ["a"], [[1]])


def test_a_document_that_cannot_be_scored_says_why(tmp_path: Path) -> None:
    document = documents.regression().replace("RegressionModel", "BayesianNetworkModel")
    with pytest.raises(RunFailed, match="'BayesianNetworkModel' is not supported") as caught:
        scored(tmp_path, document, ["a", "b"], [[1, 2]])
    assert caught.value.code == "model_load_failed"

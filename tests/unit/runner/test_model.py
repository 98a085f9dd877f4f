"""Scoring with scikit-learn models: inline tables, fields and their kinds, and what names a bad row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC
from tests.unit.runner.directories import (
    FIELDS,
    PEOPLE,
    SURVIVED,
    Directory,
    doubling_regressor,
    people_classifier,
    rows,
    stored,
)
from tests.unit.runner.warm import WARM

from gristmill_runner.failure import RunFailed

ROWS = PEOPLE.to_numpy().tolist()


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(people_classifier(), tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="module")
def doubler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(doubling_regressor(), tmp_path_factory.mktemp("doubler"))


def test_classifier_answers_label_and_probability_of_every_row(people: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(people)).with_rows(ROWS, list(PEOPLE.columns))
    result = directory.run()

    model = people_classifier()
    expected = list(map(list, zip(model.predict(PEOPLE).tolist(), model.predict_proba(PEOPLE).tolist(), strict=True)))
    assert directory.predictions() == expected
    table = {"path": "outputs/predictions-0.jsonl", "fields": ["prediction", "probability"], "rows": 8, "members": {}}
    assert result["predictions"] == [table]
    assert result["rows"] == rows(8)
    assert set(result["packages"]) == {"numpy", "pandas", "scikit-learn"}


def test_column_order_of_the_input_does_not_matter(people: Path, tmp_path: Path) -> None:
    turned = PEOPLE[["port", "fare", "age"]]
    directory = Directory(tmp_path, asset_path=str(people)).with_rows(turned.to_numpy().tolist(), list(turned.columns))
    directory.run()
    assert [row[0] for row in directory.predictions()] == people_classifier().predict(PEOPLE).tolist()


def test_rows_without_fields_follow_the_declared_order(people: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(people), fields=FIELDS).with_rows(ROWS)
    directory.run()
    assert [row[0] for row in directory.predictions()] == people_classifier().predict(PEOPLE).tolist()


def test_each_inline_table_becomes_one_predictions_element(doubler: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(doubler)).with_rows([[1], [2]], ["x"]).with_rows([[5]], ["x"])
    result = directory.run()
    assert [table["rows"] for table in result["predictions"]] == [2, 1]
    assert directory.predictions(0) == [[pytest.approx(2.0)], [pytest.approx(4.0)]]
    assert directory.predictions(1) == [[pytest.approx(10.0)]]


def test_null_is_nan_for_the_model(tmp_path: Path) -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=1)
    model.fit([[0.0], [1.0], [float("nan")]] * 20, [0.0, 1.0, 9.0] * 20)
    directory = Directory(tmp_path / "run", asset_path=str(stored(model, tmp_path / "m"))).with_rows([[None]], ["x"])
    directory.run()
    assert directory.predictions() == [[pytest.approx(model.predict([[float("nan")]])[0])]]


def test_chunks_make_no_difference(doubler: Path, tmp_path: Path) -> None:
    numbers = [[number] for number in range(25)]
    directory = Directory(tmp_path, asset_path=str(doubler), block_bytes=400).with_rows(numbers, ["x"])
    assert directory.run()["rows"] == rows(25)
    assert [row[0] for row in directory.predictions()] == pytest.approx([2.0 * number for number in range(25)])
    assert '"rows_done": 25, "rows_total": 25' in (tmp_path / "progress.jsonl").read_text()


def test_no_rows_are_no_predictions(people: Path, tmp_path: Path) -> None:
    directory = Directory(tmp_path, asset_path=str(people)).with_rows([], list(PEOPLE.columns))
    result = directory.run()
    assert directory.predictions() == []
    assert result["predictions"][0]["fields"] == ["prediction", "probability"]


def failure(directory: Directory) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        directory.run()
    return caught.value


def test_missing_column_is_named(people: Path, tmp_path: Path) -> None:
    error = failure(Directory(tmp_path, asset_path=str(people)).with_rows([[1, 2.0]], ["age", "fare"]))
    assert error.code == "schema_mismatch"
    assert "'port' missing" in str(error)


def test_declared_column_that_is_missing_is_named(doubler: Path, tmp_path: Path) -> None:
    fields = [{"name": "x", "type": "double"}]
    error = failure(Directory(tmp_path, asset_path=str(doubler), fields=fields).with_rows([[1]], ["y"]))
    assert (error.code, "'x'" in str(error)) == ("schema_mismatch", True)


def test_too_many_columns_are_refused(doubler: Path, tmp_path: Path) -> None:
    error = failure(Directory(tmp_path, asset_path=str(doubler)).with_rows([[1, 2]], ["x", "y"]))
    assert error.code == "schema_mismatch"
    assert "takes 1 columns" in str(error)


def test_extra_columns_are_not_fed(people: Path, tmp_path: Path) -> None:
    wide = [[*row, "extra"] for row in ROWS]
    directory = Directory(tmp_path, asset_path=str(people)).with_rows(wide, [*PEOPLE.columns, "note"])
    assert directory.run()["rows"]["scored"] == 8


def test_a3_value_the_model_refuses_is_named_by_row_column_and_value(people: Path, tmp_path: Path) -> None:
    bad = [list(row) for _ in range(4) for row in ROWS]
    bad[13][2] = "Atlantis"
    error = failure(Directory(tmp_path, asset_path=str(people), block_bytes=800).with_rows(bad, list(PEOPLE.columns)))
    assert error.code == "row_failed"
    assert str(error).startswith("row 14, column 'port', value 'Atlantis'")


@pytest.mark.parametrize(("column", "value"), [(0, "old"), (1, "dear"), (1, [1])])
def test_a3_value_of_the_wrong_kind_is_named(people: Path, tmp_path: Path, column: int, value: Any) -> None:
    bad = [list(row) for row in ROWS]
    bad[5][column] = value
    directory = Directory(tmp_path, asset_path=str(people), fields=FIELDS).with_rows(bad, list(PEOPLE.columns))
    error = failure(directory)
    assert error.code == "row_failed"
    assert str(error).startswith(f"row 6: column {PEOPLE.columns[column]!r} holds {value!r}")


def test_a3_ragged_row_is_named(doubler: Path, tmp_path: Path) -> None:
    error = failure(Directory(tmp_path, asset_path=str(doubler)).with_rows([[1], [2, 3]], ["x"]))
    assert (error.code, str(error)) == ("row_failed", "row 2 has 2 values, where 1 are expected")


def test_a_model_that_fails_on_every_row_is_not_blamed_on_the_first(tmp_path: Path) -> None:
    broken = doubling_regressor()
    del broken.coef_
    directory = Directory(tmp_path / "run", asset_path=str(stored(broken, tmp_path / "model")))
    error = failure(directory.with_rows([[1], [2]], ["x"]))
    assert error.code == "model_failed"


def test_label_is_asked_for_where_it_cannot_be_derived(tmp_path: Path) -> None:
    class_of = SVC(kernel="linear").fit([[0.0], [1.0]], ["no", "yes"])
    directory = Directory(tmp_path / "run", asset_path=str(stored(class_of, tmp_path / "model")))
    directory.with_rows([[0.1], [0.9]], ["x"]).run()
    assert directory.predictions() == [["no"], ["yes"]]


def test_forest_is_asked_once_and_answers_the_same(tmp_path: Path) -> None:
    forest = RandomForestClassifier(n_estimators=7, random_state=0).fit(PEOPLE[["age", "fare"]], SURVIVED)
    directory = Directory(tmp_path / "run", asset_path=str(stored(forest, tmp_path / "model")))
    directory.with_rows(ROWS, list(PEOPLE.columns)).run()
    assert [row[0] for row in directory.predictions()] == forest.predict(PEOPLE[["age", "fare"]]).tolist()


def test_clusterer_predicts_too(tmp_path: Path) -> None:
    clusters = KMeans(n_clusters=2, n_init=1, random_state=0).fit([[0.0], [0.1], [9.0]])
    directory = Directory(tmp_path / "run", asset_path=str(stored(clusters, tmp_path / "model")))
    directory.with_rows([[0.0], [9.0]], ["x"]).run()
    assert directory.predictions()[0] != directory.predictions()[1]


def test_warm_process_loads_a_model_once_and_a_changed_one_again(tmp_path: Path) -> None:
    model = stored(doubling_regressor(), tmp_path / "model")
    pids = [_scored_by(model, tmp_path / str(number), expected=2.0) for number in range(2)]
    assert pids[0] == pids[1]

    tripling = doubling_regressor().fit([[0.0], [1.0]], [0.0, 3.0])
    stored(tripling, tmp_path / "other")
    (tmp_path / "other/scikit_model.pkl").replace(tmp_path / "model/scikit_model.pkl")
    assert _scored_by(model, tmp_path / "changed", expected=3.0) != pids[0]


def _scored_by(model: Path, run: Path, *, expected: float) -> list[int]:
    """Score a row; return the numbers of the scorers."""
    directory = Directory(run, asset_path=str(model)).with_rows([[1]], ["x"])
    directory.run()
    assert directory.predictions() == [[pytest.approx(expected)]]
    return [child.pid for child in psutil.Process(WARM.pid).children()]


def test_run_without_input_fails(doubler: Path, tmp_path: Path) -> None:
    assert failure(Directory(tmp_path, asset_path=str(doubler))).code == "no_input"


def test_unknown_kind_fails(tmp_path: Path) -> None:
    error = failure(Directory(tmp_path, kind="spell"))
    assert error.code == "unsupported_kind"

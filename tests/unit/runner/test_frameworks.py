"""Models of XGBoost, LightGBM and ONNX, in the forms in which the client and the frameworks store them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from tests.unit.runner.directories import PEOPLE, SURVIVED, Directory, stored

from gristmill_runner.failure import RunFailed

X = PEOPLE[["age", "fare"]].astype("float64")
ROWS = X.to_numpy().tolist()


def scored(asset: Path, run: Path, asset_type: str, *, fields: list[str] | None = None, rows: Any = None) -> Any:
    directory = Directory(run, asset_path=str(asset), asset_type=asset_type)
    result = directory.with_rows(rows or ROWS, fields or ["age", "fare"]).run()
    return result, directory.predictions()


def boosted(**more: Any) -> xgboost.XGBClassifier:
    return xgboost.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1, **more).fit(X, SURVIVED)


def light(**more: Any) -> Any:
    return lightgbm.LGBMClassifier(n_estimators=4, min_child_samples=1, verbose=-1, **more).fit(X, SURVIVED)


def column(rows: list[Any], position: int = 0) -> list[Any]:
    return [row[position] for row in rows]


@pytest.mark.parametrize("name", ["model.json", "model.ubj"])
def test_xgboost_booster_predicts_its_objective(tmp_path: Path, name: str) -> None:
    booster = boosted().get_booster()
    booster.set_attr(scikit_learn=None)
    (tmp_path / "model").mkdir()
    booster.save_model(tmp_path / "model" / name)
    result, rows = scored(tmp_path / "model", tmp_path / "run", "xgboost_2.0")
    assert column(rows) == pytest.approx(booster.predict(xgboost.DMatrix(X)).tolist())
    assert result["packages"]["xgboost"] == xgboost.__version__


def test_xgboost_booster_as_the_client_wraps_it(tmp_path: Path) -> None:
    wrapped = xgboost.XGBRegressor()
    wrapped._Booster = boosted().get_booster()
    _, rows = scored(stored(wrapped, tmp_path / "m", "xgboost_model.pkl"), tmp_path / "run", "xgboost_2.0")
    assert column(rows) == pytest.approx(boosted().predict_proba(X)[:, 1].tolist())


def test_xgboost_pickled_booster(tmp_path: Path) -> None:
    booster = boosted().get_booster()
    _, rows = scored(stored(booster, tmp_path / "m"), tmp_path / "run", "xgboost_2.0")
    assert column(rows) == pytest.approx(booster.predict(xgboost.DMatrix(X)).tolist())


@pytest.mark.parametrize("form", ["pickle", "json"])
def test_xgboost_classifier_gives_label_and_probability(tmp_path: Path, form: str) -> None:
    model = boosted()
    asset = tmp_path / "model"
    if form == "pickle":
        stored(model, asset)
    else:
        asset.mkdir()
        model.save_model(asset / "model.json")
    _, rows = scored(asset, tmp_path / "run", "xgboost_2.0")
    assert column(rows) == model.predict(X).tolist()
    assert column(rows, 1) == [pytest.approx(row) for row in model.predict_proba(X).tolist()]


def test_lightgbm_classifier(tmp_path: Path) -> None:
    model = light()
    result, rows = scored(stored(model, tmp_path / "m"), tmp_path / "run", "lightgbm_4.0")
    assert column(rows) == model.predict(X).tolist()
    assert column(rows, 1) == [pytest.approx(row) for row in model.predict_proba(X).tolist()]
    assert result["packages"]["lightgbm"] == lightgbm.__version__


def test_lightgbm_text_file_alone(tmp_path: Path) -> None:
    booster = light().booster_
    booster.save_model(tmp_path / "model.txt")
    _, rows = scored(tmp_path / "model.txt", tmp_path / "run", "lightgbm_4.0")
    assert column(rows) == pytest.approx(booster.predict(X).tolist())


def test_lightgbm_categories_come_as_text(tmp_path: Path) -> None:
    frame = PEOPLE.assign(port=PEOPLE["port"].astype("category"))
    model: Any = lightgbm.LGBMClassifier(n_estimators=4, min_child_samples=1, min_data_per_group=1, verbose=-1)
    model.fit(frame, SURVIVED)
    rows = PEOPLE.to_numpy().tolist()
    _, got = scored(stored(model, tmp_path / "m"), tmp_path / "run", "lightgbm_4.0", fields=list(PEOPLE), rows=rows)
    assert column(got) == model.predict(frame).tolist()


def test_a3_text_among_numbers_is_found_where_the_model_takes_no_text(tmp_path: Path) -> None:
    asset = stored(light(), tmp_path / "m")
    directory = Directory(tmp_path / "run", asset_path=str(asset)).to_file("out.csv")
    directory.with_file("in.csv", "age,fare\n1,2\n3,4\n5,cheap\n7,8\n")
    with pytest.raises(RunFailed, match=r"row 3 of in.csv: column 'fare' holds 'cheap', which is not a number"):
        directory.run()


def onnx_file(path: Path, model: Any, sample: Any, **options: Any) -> Path:
    path.mkdir()
    (path / "model.onnx").write_bytes(to_onnx(model, sample, **options).SerializeToString())
    return path


@pytest.mark.parametrize("zipmap", [True, False])
def test_onnx_classifier_gives_label_and_probability(tmp_path: Path, *, zipmap: bool) -> None:
    model = LogisticRegression().fit(X.to_numpy(), SURVIVED)
    sample = X.to_numpy(dtype=np.float32)[:1]
    asset = onnx_file(tmp_path / "m", model, sample, options={id(model): {"zipmap": zipmap}})
    result, rows = scored(asset, tmp_path / "run", "pytorch-onnx_2.1")
    assert column(rows) == model.predict(X.to_numpy()).tolist()
    assert np.allclose(column(rows, 1), model.predict_proba(X.to_numpy()), atol=1e-5)
    assert "onnxruntime" in result["packages"]


def test_onnx_input_a_column(tmp_path: Path) -> None:
    pipeline = make_pipeline(
        make_column_transformer(("passthrough", ["age", "fare"]), (OneHotEncoder(), ["port"])), LogisticRegression()
    ).fit(X.assign(port=PEOPLE["port"]), SURVIVED)
    frame = pd.DataFrame(
        {"age": X["age"].astype("float32"), "fare": X["fare"].astype("float32"), "port": PEOPLE["port"]}
    )
    asset = onnx_file(tmp_path / "m", pipeline, frame[:1])
    turned = frame[["port", "age", "fare"]]
    _, rows = scored(asset, tmp_path / "run", "onnxruntime_1.16", fields=list(turned), rows=turned.to_numpy().tolist())
    assert column(rows) == pipeline.predict(X.assign(port=PEOPLE["port"])).tolist()


def test_onnx_regressor_is_one_number_a_row(tmp_path: Path) -> None:
    model = LinearRegression().fit(X.to_numpy(), SURVIVED)
    asset = onnx_file(tmp_path / "m", model, X.to_numpy(dtype=np.float32)[:1])
    _, rows = scored(asset, tmp_path / "run", "tensorflow_2.15")
    assert np.allclose(column(rows), model.predict(X.to_numpy()), atol=1e-4)


def test_unknown_suffix_is_judged_by_content(tmp_path: Path) -> None:
    joblib.dump(LinearRegression().fit(X.to_numpy(), SURVIVED), tmp_path / "content")
    _, rows = scored(tmp_path / "content", tmp_path / "run", "scikit-learn_1.9")
    assert len(rows) == len(X)

"""Models as MLflow saves them: flavours that need no mlflow here, and those that do; the signature is the schema."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import lightgbm
import mlflow.lightgbm
import mlflow.onnx
import mlflow.pyfunc
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pytest
import xgboost
import yaml
from mlflow.models import infer_signature
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, Schema
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from tests.unit.runner.directories import FIELDS, PEOPLE, SURVIVED, Directory, people_classifier, rows

from gristmill_runner.failure import RunFailed
from gristmill_runner.loaders.mlflow_signature import input_fields

SIGNATURE = ModelSignature(Schema([ColSpec("long", "age"), ColSpec("double", "fare"), ColSpec("string", "port")]))
NUMBERS = PEOPLE[["age", "fare"]].astype("float64")


def saved(path: Path, flavor: Any, model: Any, **more: Any) -> Path:
    """Save a model as MLflow does, below a folder as an archive has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Otherwise MLflow looks for what to write there by loading the model in another process.
        flavor.save_model(model, path=str(path / "model"), pip_requirements=[], **more)
    return path


def scored(asset: Path, run: Path, table: Any, *, asset_type: str = "mlflow_2.0") -> tuple[Any, list[Any]]:
    directory = Directory(run, asset_path=str(asset), asset_type=asset_type)
    result = directory.with_rows(table.to_numpy().tolist(), list(table)).run()
    return result, directory.predictions()


@pytest.mark.parametrize("form", ["skops", "cloudpickle"])
@pytest.mark.parametrize("asset_type", ["mlflow_2.0", "scikit-learn_1.3"])
def test_sklearn_with_its_signature(tmp_path: Path, form: str, asset_type: str) -> None:
    model = people_classifier()
    trusted = {"skops_trusted_types": ["numpy.dtype"]} if form == "skops" else {}
    asset = saved(tmp_path, mlflow.sklearn, model, signature=SIGNATURE, serialization_format=form, **trusted)
    turned = PEOPLE[["port", "fare", "age"]]
    result, got = scored(asset, tmp_path / "run", turned, asset_type=asset_type)
    assert [row[0] for row in got] == model.predict(PEOPLE).tolist()
    assert [row[1] for row in got] == [pytest.approx(row) for row in model.predict_proba(PEOPLE).tolist()]
    assert result["fields"] == [
        {**field, "type": {"int64": "long"}.get(field["type"], field["type"])} for field in FIELDS
    ]


def test_a_signature_names_the_columns_of_a_model_that_does_not(tmp_path: Path) -> None:
    model = LinearRegression().fit(NUMBERS.to_numpy(), SURVIVED)
    signature = infer_signature(NUMBERS)
    asset = saved(tmp_path, mlflow.sklearn, model, signature=signature, serialization_format="cloudpickle")
    result, got = scored(asset, tmp_path / "run", NUMBERS[["fare", "age"]])
    assert [row[0] for row in got] == pytest.approx(model.predict(NUMBERS.to_numpy()).tolist())
    assert not any(field.get("inferred") for field in result["fields"])


def test_without_a_signature_the_types_are_inferred(tmp_path: Path) -> None:
    model = LinearRegression().fit(NUMBERS.to_numpy(), SURVIVED)
    asset = saved(tmp_path, mlflow.sklearn, model, serialization_format="cloudpickle")
    result, _ = scored(asset, tmp_path / "run", NUMBERS)
    assert [field.get("inferred") for field in result["fields"]] == [True, True]


def test_xgboost_classifier(tmp_path: Path) -> None:
    model = xgboost.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1).fit(NUMBERS, SURVIVED)
    _, got = scored(saved(tmp_path, mlflow.xgboost, model), tmp_path / "run", NUMBERS)
    assert [row[0] for row in got] == model.predict(NUMBERS).tolist()
    assert [row[1] for row in got] == [pytest.approx(row) for row in model.predict_proba(NUMBERS).tolist()]


def test_xgboost_booster(tmp_path: Path) -> None:
    model = xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(NUMBERS, SURVIVED), num_boost_round=2)
    _, got = scored(saved(tmp_path, mlflow.xgboost, model), tmp_path / "run", NUMBERS)
    assert [row[0] for row in got] == pytest.approx(model.predict(xgboost.DMatrix(NUMBERS)).tolist())


def test_lightgbm_booster(tmp_path: Path) -> None:
    model = lightgbm.LGBMClassifier(n_estimators=4, min_child_samples=1, verbose=-1).fit(NUMBERS, SURVIVED).booster_
    _, got = scored(saved(tmp_path, mlflow.lightgbm, model), tmp_path / "run", NUMBERS)
    assert [row[0] for row in got] == pytest.approx(np.asarray(model.predict(NUMBERS)).tolist())


def test_onnx_with_a_signature_of_columns(tmp_path: Path) -> None:
    from skl2onnx import to_onnx

    model = LogisticRegression().fit(NUMBERS.to_numpy(), SURVIVED)
    exported = to_onnx(model, NUMBERS.to_numpy(dtype=np.float32)[:1], options={"zipmap": False})
    asset = saved(tmp_path, mlflow.onnx, exported, signature=infer_signature(NUMBERS))
    _, got = scored(asset, tmp_path / "run", NUMBERS[["fare", "age"]])
    assert [row[0] for row in got] == model.predict(NUMBERS.to_numpy()).tolist()


def doubling() -> Any:
    """A function of two columns; made here so that it is saved with its code and not by its name."""

    class Doubling(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined,misc]
        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, ARG002
            return model_input.assign(twice=model_input["n"] * 2)[["twice", "x"]]

    return Doubling()


def test_a_python_function_is_loaded_by_mlflow(tmp_path: Path) -> None:
    signature = ModelSignature(Schema([ColSpec("integer", "n"), ColSpec("float", "x")]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on objects in place of files, which is what users have
        mlflow.pyfunc.save_model(
            str(tmp_path / "model"), python_model=doubling(), signature=signature, pip_requirements=[]
        )
    directory = Directory(tmp_path / "run", asset_path=str(tmp_path / "model"), asset_type="mlflow_2.0")
    result = directory.with_rows([[0.5, 1], [1.5, 2]], ["x", "n"]).run()
    assert result["predictions"][0]["fields"] == ["twice", "x"]
    assert directory.predictions() == [[2, 0.5], [4, 1.5]]


OPTIONAL = ModelSignature(Schema([ColSpec("double", "age"), ColSpec("double", "fare", required=False)]))


def test_an_optional_column_that_is_not_there_has_no_values(tmp_path: Path) -> None:
    model = make_pipeline(SimpleImputer(strategy="constant", fill_value=9.0), LinearRegression()).fit(NUMBERS, SURVIVED)
    asset = saved(tmp_path, mlflow.sklearn, model, signature=OPTIONAL, serialization_format="cloudpickle")
    _, got = scored(asset, tmp_path / "run", NUMBERS[["age"]])
    assert [row[0] for row in got] == pytest.approx(model.predict(NUMBERS.assign(fare=9.0)).tolist())
    directory = Directory(tmp_path / "other", asset_path=str(asset), asset_type="mlflow_2.0")
    with pytest.raises(RunFailed, match="column 'age' missing"):
        directory.with_rows([[1.0]], ["fare"]).run()


def test_a_python_function_does_not_get_an_optional_column_that_is_not_there(tmp_path: Path) -> None:
    class Naming(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined,misc]
        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, ARG002
            return [" ".join(model_input.columns)] * len(model_input)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            str(tmp_path / "model"), python_model=Naming(), signature=OPTIONAL, pip_requirements=[]
        )
    asset = tmp_path / "model"
    assert scored(asset, tmp_path / "one", NUMBERS[["age"]][:1])[1] == [["age"]]
    assert scored(asset, tmp_path / "two", NUMBERS[:1])[1] == [["age fare"]]


def test_a3_a_value_against_the_signature_is_named(tmp_path: Path) -> None:
    asset = saved(
        tmp_path, mlflow.sklearn, people_classifier(), signature=SIGNATURE, serialization_format="cloudpickle"
    )
    directory = Directory(tmp_path / "run", asset_path=str(asset), asset_type="mlflow_2.0")
    directory.spec["error_threshold"] = {"rows": 2}
    directory.with_file("in.csv", "age,fare,port\n22,7.25,S\n22,cheap,S\n22,7.25,X\n").to_file("out.csv")
    result = directory.run()
    assert result["rows"] == rows(3, rejected=2)
    fare, port = result["rejections"]
    assert (fare["row"], fare["column"], fare["value"]) == (2, "fare", "cheap")
    assert (port["row"], port["column"]) == (3, "port") or "X" in port["reason"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    asset = saved(tmp_path, mlflow.sklearn, LinearRegression().fit(NUMBERS, SURVIVED), serialization_format="pickle")
    (asset / "model/model.pkl").unlink()
    with pytest.raises(RunFailed, match=r"names 'model\.pkl' for sklearn, which is not there"):
        scored(asset, tmp_path / "run", NUMBERS)


def test_a_flavor_that_cannot_run_is_named(tmp_path: Path) -> None:
    asset = tmp_path / "m"
    asset.mkdir()
    (asset / "MLmodel").write_text(yaml.safe_dump({"flavors": {"spark": {}}}), encoding="utf-8")
    with pytest.raises(RunFailed, match="flavors are spark; those that run are sklearn"):
        scored(asset, tmp_path / "run", NUMBERS)
    shutil.rmtree(asset)


def test_tensors_are_columns_where_they_are_flat() -> None:
    tensors = '[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,1]},"name":"a"},'
    tensors += '{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,4,4]},"name":"b"}]'
    fields = input_fields({"signature": {"inputs": tensors}})
    assert fields == [{"name": "a", "type": "float32"}, {"name": "b", "type": "tensor"}]
    bare = '[{"type":"tensor","tensor-spec":{"dtype":"float32","shape":[-1,3]}}]'
    assert input_fields({"signature": {"inputs": bare}}) == []

"""Steps: models of every family that the client stores, and what can be done with a stored one."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import xgboost
from skl2onnx import to_onnx
from tests.acceptance.flow.client_flow import Flow, training_data
from tests.acceptance.flow.steps import Steps, refused

step = Steps()
MATRIX = np.array([[0, 1], [1, 0], [1, 1], [0, 0]], dtype=np.float32)
LABELS = np.array([0, 1, 1, 0])
PMML = """<?xml version="1.0"?>
<PMML version="4.3" xmlns="http://www.dmg.org/PMML-4_3">
  <Header/>
  <DataDictionary numberOfFields="2">
    <DataField name="a" optype="continuous" dataType="double"/>
    <DataField name="y" optype="continuous" dataType="double"/>
  </DataDictionary>
  <RegressionModel functionName="regression">
    <MiningSchema><MiningField name="a"/><MiningField name="y" usageType="target"/></MiningSchema>
    <RegressionTable intercept="1"><NumericPredictor name="a" coefficient="2"/></RegressionTable>
  </RegressionModel>
</PMML>
"""
MLMODEL = """
flavors:
  sklearn: {pickled_model: model.pkl, serialization_format: cloudpickle}
signature:
  inputs: '[{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]'
"""


@step("repository.store_model: an object with training data")
def _(flow: Flow) -> None:
    inputs, labels = training_data()
    repository = flow.client.repository
    stored = repository.store_model(
        model=flow.model,
        meta_props=_meta(flow, "scikit-learn_1.3", "object"),
        training_data=inputs,
        training_target=labels,
    )
    flow.ids["model of an object"] = repository.get_model_id(stored)
    fields = stored["entity"]["training_data_references"][0]["schema"]["fields"]
    assert {"a", "b"} <= {field["name"] for field in fields}, fields


@step("repository.store_model: an object alone")
def _(flow: Flow) -> None:
    stored = _store(flow, flow.model, "scikit-learn_1.3", "object alone")
    assert (stored["metadata"]["name"], stored["entity"]["type"]) == ("object alone", "scikit-learn_1.3")


@step("repository.store_model: an archive with a schema")
def _(flow: Flow) -> None:
    joblib.dump(flow.model, flow.work / "m.joblib")
    with tarfile.open(flow.work / "m.tar.gz", "w:gz") as archive:
        archive.add(flow.work / "m.joblib", arcname="m.joblib")
    names = flow.client.repository.ModelMetaNames
    fields = [{"name": "a", "type": "double"}, {"name": "b", "type": "double"}]
    schema = {names.INPUT_DATA_SCHEMA: {"id": "1", "type": "struct", "fields": fields}, names.LABEL_FIELD: "y"}
    meta = {**_meta(flow, "scikit-learn_1.3", "archive"), **schema}
    stored = flow.client.repository.store_model(model=str(flow.work / "m.tar.gz"), meta_props=meta)
    flow.ids["model of an archive"] = flow.client.repository.get_model_id(stored)
    assert stored["entity"]["schemas"]["input"][0]["fields"] == fields
    assert stored["entity"]["label_column"] == "y"


@step("repository.store_model: ONNX in a zip")
def _(flow: Flow) -> None:
    model = to_onnx(flow.model, MATRIX[:1], options={"zipmap": False})
    with zipfile.ZipFile(flow.work / "onnx.zip", "w") as archive:
        archive.writestr("model.onnx", model.SerializeToString())
    _store(flow, flow.work / "onnx.zip", "pytorch-onnx_2.1", "onnx")


@step("repository.store_model: PMML")
def _(flow: Flow) -> None:
    stored = _store(flow, str(flow.file("m.xml", PMML)), "pmml_4.2.1", "pmml")
    assert stored["entity"]["type"] == "pmml_4.2.1"
    assert stored["entity"]["schemas"]["input"][0]["fields"] == [{"name": "a", "type": "double"}]


@step("repository.store_model: what MLflow saved, whose signature becomes the schema")
def _(flow: Flow) -> None:
    with zipfile.ZipFile(flow.work / "mlflow.zip", "w") as archive:
        archive.writestr("model/MLmodel", MLMODEL)
        archive.write(flow.work / "m.joblib", "model/model.pkl")
    stored = _store(flow, flow.work / "mlflow.zip", "mlflow_2.0", "mlflow")
    assert [field["name"] for field in stored["entity"]["schemas"]["input"][0]["fields"]] == ["a", "b"]


@step("repository.store_model: an XGBoost booster")
def _(flow: Flow) -> None:
    matrix = xgboost.DMatrix(MATRIX, label=LABELS)
    flow.made["booster"] = xgboost.train({}, matrix, num_boost_round=2)
    _store(flow, flow.made["booster"], "xgboost_2.0", "booster")


@step("repository.store_model: an XGBoost classifier")
def _(flow: Flow) -> None:
    flow.made["xgboost classifier"] = xgboost.XGBClassifier(n_estimators=2).fit(MATRIX, LABELS)
    _store(flow, flow.made["xgboost classifier"], "scikit-learn_1.3", "xgboost classifier")


@step("repository.store_model: an unknown type is refused")
def _(flow: Flow) -> None:
    with refused("Unsupported model type"):
        _store(flow, str(flow.work / "m.tar.gz"), "unsupported_1.0", "bad")


@step("repository: details and lists of models")
def _(flow: Flow) -> None:
    repository, model_id = flow.client.repository, flow.ids["model of an archive"]
    found = repository.get_model_details(model_id)
    assert found["metadata"]["name"] == "archive"
    assert model_id in repository.get_model_href(found)
    everything = {each["metadata"]["name"] for each in repository.get_model_details()["resources"]}
    names = {"object", "object alone", "archive", "onnx", "pmml", "mlflow", "booster", "xgboost classifier"}
    assert everything == names, everything
    assert set(repository.list_models()["NAME"]) == names


@step("repository.download: the bytes that were uploaded")
def _(flow: Flow) -> None:
    back = flow.client.repository.download(flow.ids["model of an archive"], "back.tar.gz")
    assert Path(back).read_bytes() == (flow.work / "m.tar.gz").read_bytes()


@step("repository.update_model and revisions")
def _(flow: Flow) -> None:
    repository, model_id = flow.client.repository, flow.ids["model of an archive"]
    repository.update_model(model_id, {repository.ModelMetaNames.NAME: "archive 2"})
    assert repository.get_model_details(model_id)["metadata"]["name"] == "archive 2"
    revision = repository.create_model_revision(model_id)
    assert str(revision["metadata"]["rev"]) == "1"
    assert [str(number) for number in repository.list_models_revisions(model_id)["REV"]] == ["1"]
    assert repository.get_model_revision_details(model_id, rev_id="1")["resources"][0]["metadata"]["rev"] == "1"


@step("repository.load: an object that predicts the same")
def _(flow: Flow) -> None:
    back = flow.client.repository.load(flow.ids["model of an object"])
    inputs = pd.DataFrame({"a": [1, 0], "b": [0, 1]})
    assert back.predict(inputs).tolist() == flow.model.predict(inputs).tolist()


def _store(flow: Flow, model: Any, model_type: str, name: str) -> dict[str, Any]:
    stored: dict[str, Any] = flow.client.repository.store_model(model=model, meta_props=_meta(flow, model_type, name))
    flow.ids[name] = flow.client.repository.get_model_id(stored)
    return stored


def _meta(flow: Flow, model_type: str, name: str) -> dict[str, Any]:
    names = flow.client.repository.ModelMetaNames
    return {
        names.NAME: name,
        names.TYPE: model_type,
        names.SOFTWARE_SPEC_ID: flow.ids["software"],
        names.DESCRIPTION: "d",
        names.TAGS: ["a"],
    }

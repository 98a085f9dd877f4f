"""What a model's content tells of itself when it is stored: its input columns, or that it cannot be run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost
import yaml
from fastapi.testclient import TestClient
from lightgbm import LGBMClassifier
from onnx import TensorProto, helper, numpy_helper
from tests import make_pmml
from tests.api.assets import wire

FRAME = pd.DataFrame({"age": [22.0, 38, 26, 35], "fare": [7.25, 71.28, 7.92, 53.1]})
LABELS = [0, 1, 0, 1]
COLUMNS = '[{"type":"long","name":"age","required":true},{"type":"double","name":"fare"},{"type":"array","name":"l"}]'


def put(client: TestClient, model_type: str, content: bytes, **members: Any) -> tuple[Any, Any]:
    """Store a model; return the answer to its upload, and its schemas as they are then."""
    space_id = wire.space(client)
    model_id = wire.model(client, space_id, type=model_type, **members)["metadata"]["id"]
    answer = wire.put_model(client, space_id, model_id, content)
    read = client.get(f"/ml/v4/models/{model_id}", params={"space_id": space_id}).json()
    return answer, read["entity"].get("schemas")


def fields(client: TestClient, model_type: str, content: bytes, **members: Any) -> dict[str, str] | None:
    answer, schemas = put(client, model_type, content, **members)
    assert answer.status_code == 201, answer.text
    return {field["name"]: field["type"] for field in schemas["input"][0]["fields"]} if schemas else None


def refusal(client: TestClient, model_type: str, content: bytes) -> str:
    answer, _ = put(client, model_type, content)
    assert (answer.status_code, wire.error(answer)["code"]) == (400, "invalid_model_content"), answer.text
    return str(wire.error(answer)["message"])


def mlflow(**document: Any) -> bytes:
    return str(yaml.safe_dump(document)).encode()


def onnx_model(*names: str) -> bytes:
    """A model that adds its inputs to a weight, which is listed before them."""
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in names]
    text = helper.make_tensor_value_info("text", TensorProto.STRING, ["n", 4])
    nodes = [helper.make_node("Sum", [*names, "weight"], ["total"])]
    weight = numpy_helper.from_array(np.zeros((1, 5_000), dtype="float32"), "weight")
    told = helper.make_tensor_value_info("total", TensorProto.FLOAT, [None, 5_000])
    graph = helper.make_graph(nodes, "g", [*inputs, *([text] if len(names) > 1 else [])], [told], [weight])
    return bytes(helper.make_model(graph).SerializeToString())


def test_pmml_tells_its_fields(client: TestClient) -> None:
    expected = {"age": "double", "sex": "string", "visits": "integer"}
    assert fields(client, "pmml_4.2.1", make_pmml.classification().encode()) == expected


def test_pmml_of_another_kind_is_refused_by_name(client: TestClient) -> None:
    document = make_pmml.regression().replace("RegressionModel", "TimeSeriesModel")
    assert "holds a TimeSeriesModel, which is not scored here" in refusal(client, "pmml_4.2.1", document.encode())


def test_onnx_with_an_input_a_column_tells_them(client: TestClient) -> None:
    content = wire.zipped({"m.onnx": onnx_model("a", "b")})
    assert fields(client, "pytorch-onnx_2.1", content) == {"a": "float32", "b": "float32", "text": "tensor"}


def test_onnx_of_a_matrix_tells_nothing(client: TestClient) -> None:
    assert fields(client, "onnx_1.16", onnx_model("a")) is None


def test_boosters_tell_their_names(client: TestClient) -> None:
    booster = xgboost.train({}, xgboost.DMatrix(FRAME, LABELS), num_boost_round=1)
    assert fields(client, "xgboost_2.0", bytes(booster.save_raw("json"))) == {"age": "double", "fare": "double"}
    light = LGBMClassifier(n_estimators=1, min_child_samples=1, verbose=-1).fit(FRAME, LABELS).booster_
    assert fields(client, "lightgbm_4.0", light.model_to_string().encode()) == {"age": "double", "fare": "double"}


@pytest.mark.parametrize("model_type", ["mlflow_2.0", "scikit-learn_1.3"])
def test_the_signature_becomes_the_schema(client: TestClient, model_type: str) -> None:
    described = mlflow(flavors={"sklearn": {"pickled_model": "m.pkl"}}, signature={"inputs": COLUMNS})
    content = wire.tar_gz({"model/MLmodel": described, "model/m.pkl": wire.PICKLE})
    assert fields(client, model_type, content) == {"age": "long", "fare": "double", "l": "any"}


def test_a_schema_of_the_user_stays(client: TestClient) -> None:
    schema = {"input": [{"id": "1", "type": "struct", "fields": [{"name": "x", "type": "double"}]}], "output": []}
    assert fields(client, "pmml_4.2.1", make_pmml.tree().encode(), schemas=schema) == {"x": "double"}


def test_new_content_brings_a_new_schema(client: TestClient) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id, type="pmml_4.2.1")["metadata"]["id"]
    for document, expected in ((make_pmml.tree(), ["age"]), (make_pmml.regression(), ["a", "b"])):
        wire.put_model(client, space_id, model_id, document.encode())
        entity = client.get(f"/ml/v4/models/{model_id}", params={"space_id": space_id}).json()["entity"]
        assert [field["name"] for field in entity["schemas"]["input"][0]["fields"]] == expected


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"m/MLmodel": mlflow(flavors={"sklearn": {"pickled_model": "m.pkl"}})}, "names 'm/m.pkl' for sklearn"),
        ({"m/MLmodel": mlflow(flavors={"spark": {}})}, "its flavors are spark"),
        ({"m/MLmodel": mlflow(flavors={})}, "m/MLmodel names no flavors"),
        ({"m/MLmodel": b"a: [", "m/x": b"x"}, "m/MLmodel is not readable as YAML"),
        ({"a/MLmodel": b"a: 1", "b/MLmodel": b"a: 1"}, "several MLmodel files: a/MLmodel, b/MLmodel"),
        ({"m/m.pkl": wire.PICKLE}, "the folder that MLflow saved"),
    ],
)
def test_what_mlflow_saved_is_checked(client: TestClient, files: dict[str, bytes], message: str) -> None:
    assert message in refusal(client, "mlflow_2.0", wire.tar_gz(files))


def test_a_python_function_is_kept_with_a_warning(client: TestClient) -> None:
    content = wire.zipped({"MLmodel": mlflow(flavors={"python_function": {"loader_module": "x"}})})
    answer, _ = put(client, "mlflow_2.0", content)
    assert answer.status_code == 201
    assert "needs the package mlflow" in answer.json()["system"]["warnings"][0]["message"]


@pytest.mark.parametrize(
    ("model_type", "content", "way_out"),
    [
        ("tensorflow_2.15", wire.tar_gz({"saved_model.pb": b"\x08\x01"}), "export it with tf2onnx.convert"),
        ("keras_3.0", b"\x89HDF\r\n\x1a\n...", "export it with tf2onnx.convert"),
        (
            "pytorch_2.1",
            wire.zipped({"archive/data.pkl": wire.PICKLE, "archive/version": b"3"}),
            "torch.onnx.export, and store the .onnx file",
        ),
    ],
)
def test_native_files_are_refused_with_the_way_out(
    client: TestClient, model_type: str, content: bytes, way_out: str
) -> None:
    assert way_out in refusal(client, model_type, content)

"""What PyTorch and TensorFlow export: their graphs are built here, since neither is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.unit.runner.directories import Directory, rows

from gristmill_runner.loaders.onnx_model import load_onnx

RANDOM = np.random.default_rng(7)


def exported(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], **weights: Any) -> Path:
    """Write a graph in an archive's directory."""
    arrays = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "exported", inputs, outputs, arrays)
    path.mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path / "model.onnx"))
    return path


def network(path: Path) -> tuple[Path, Any]:
    """Two layers with a ReLU between, as torch.onnx.export writes them; returns what it computes as well."""
    w1, b1 = RANDOM.normal(size=(4, 3)).astype("float32"), RANDOM.normal(size=4).astype("float32")
    w2, b2 = RANDOM.normal(size=(2, 4)).astype("float32"), RANDOM.normal(size=2).astype("float32")
    nodes = [
        helper.make_node("Gemm", ["input", "w1", "b1"], ["hidden"], transB=1),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "w2", "b2"], ["output"], transB=1),
    ]
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3])
    told = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 2])
    asset = exported(path, nodes, [given], [told], w1=w1, b1=b1, w2=w2, b2=b2)
    return asset, lambda x: np.maximum(x @ w1.T + b1, 0) @ w2.T + b2


def images(path: Path) -> Path:
    """The mean of each channel of a 2 x 2 picture, channels last, as TensorFlow has them."""
    nodes = [helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2], keepdims=0)]
    given = helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 2, 2, 3])
    return exported(path, nodes, [given], [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", 3])])


@pytest.mark.parametrize("asset_type", ["pytorch-onnx_2.1", "pytorch_2.1", "tensorflow_2.15"])
def test_a_network_of_three_columns(tmp_path: Path, asset_type: str) -> None:
    asset, compute = network(tmp_path / "m")
    table = RANDOM.normal(size=(5, 3))
    directory = Directory(tmp_path / "run", asset_path=str(asset), asset_type=asset_type)
    result = directory.with_rows(table.tolist(), ["a", "b", "c"]).run()
    assert result["predictions"][0]["fields"] == ["prediction"]
    assert np.allclose([row[0] for row in directory.predictions()], compute(table.astype("float32")), atol=1e-5)
    assert [field.get("inferred") for field in result["fields"]] == [True] * 3


def test_a_cell_is_a_picture(tmp_path: Path) -> None:
    pictures = RANDOM.normal(size=(4, 2, 2, 3))
    directory = Directory(tmp_path / "run", asset_path=str(images(tmp_path / "m")), asset_type="tensorflow_2.15")
    directory.with_rows([[picture] for picture in pictures.tolist()], ["picture"]).run()
    assert np.allclose([row[0] for row in directory.predictions()], pictures.mean(axis=(1, 2)), atol=1e-6)


def test_a_picture_may_lie_flat_in_columns(tmp_path: Path) -> None:
    pictures = RANDOM.normal(size=(4, 2, 2, 3))
    directory = Directory(tmp_path / "run", asset_path=str(images(tmp_path / "m")), asset_type="tensorflow_2.15")
    directory.with_rows(pictures.reshape(4, -1).tolist(), [f"p{at}" for at in range(12)]).run()
    assert np.allclose([row[0] for row in directory.predictions()], pictures.mean(axis=(1, 2)), atol=1e-6)


def test_a3_a_picture_of_another_size_is_a_rejected_row(tmp_path: Path) -> None:
    pictures = RANDOM.normal(size=(3, 2, 2, 3)).tolist()
    pictures[1] = [[1.0, 2.0, 3.0]]
    directory = Directory(tmp_path / "run", asset_path=str(images(tmp_path / "m")), asset_type="tensorflow_2.15")
    directory.spec["error_threshold"] = {"rows": 1}
    result = directory.with_rows([[picture] for picture in pictures], ["picture"]).run()
    assert result["rows"] == rows(3, rejected=1)
    assert result["rejections"][0]["row"] == 2


@pytest.mark.parametrize(("scorers", "threads"), [(2, 1), (1, 0)])
def test_threads_leave_processors_to_other_scorers(tmp_path: Path, scorers: int, threads: int) -> None:
    asset, _ = network(tmp_path / "m")
    scorer = load_onnx(asset / "model.onnx", {"scorers": scorers})
    assert scorer._session.get_session_options().intra_op_num_threads == threads

"""Models that cannot be loaded: the cause names the package or the version at fault."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path

import joblib
import pytest
import sklearn
from sklearn.linear_model import LinearRegression
from tests.unit.runner.directories import Directory, doubling_regressor, stored

from gristmill_runner.failure import RunFailed
from gristmill_runner.loaders.load import load_model
from gristmill_runner.loaders.pickle_story import content_of, missing_packages, sklearn_version


def failure(asset: Path, run: Path, asset_type: str = "scikit-learn_1.3") -> RunFailed:
    directory = Directory(run, asset_path=str(asset), asset_type=asset_type, specification_name="tiny-py3.11")
    with pytest.raises(RunFailed) as caught:
        directory.with_rows([[1]], ["x"]).run()
    assert caught.value.code == "model_load_failed"
    return caught.value


def model_of_a_missing_package(directory: Path) -> Path:
    module = types.ModuleType("vanished_library")
    kind = type("Model", (), {"__module__": "vanished_library", "predict": lambda _self, rows: rows})
    module.Model = kind  # type: ignore[attr-defined]
    sys.modules["vanished_library"] = module
    try:
        return stored(kind(), directory)
    finally:
        del sys.modules["vanished_library"]


def test_d13_missing_package_is_named(tmp_path: Path) -> None:
    error = failure(model_of_a_missing_package(tmp_path / "m"), tmp_path / "run")
    assert "needs the package vanished_library, which the software specification tiny-py3.11 does not have" in str(
        error
    )


@pytest.mark.parametrize(
    ("name", "asset_type", "module", "package"),
    [
        ("m.onnx", "onnx", "onnxruntime", "onnxruntime"),
        ("m.json", "xgboost_2.0", "xgboost", "xgboost"),
        ("m.txt", "lightgbm_4", "lightgbm", "lightgbm"),
        ("MLmodel", "mlflow_2.0", "yaml", "pyyaml"),
    ],
)
def test_d13_missing_framework_is_named_by_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, asset_type: str, module: str, package: str
) -> None:
    (tmp_path / name).write_bytes(b"anything")
    spec = Directory(tmp_path / "run", asset_type=asset_type, specification_name="tiny").spec
    # As in an environment that does not have it.
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RunFailed, match=f"needs the package {package}, which tiny does not have") as caught:
        load_model(tmp_path / name, spec)
    assert caught.value.code == "model_load_failed"


class Huge:
    """Wants more memory than there is when it is loaded."""

    def __setstate__(self, state: object) -> None:
        """Ask for it."""
        bytearray(2**62)

    def __getstate__(self) -> str:
        """Return anything, so that it is set."""
        return "anything"


def test_n2_model_too_large_for_the_memory_is_no_broken_model(tmp_path: Path) -> None:
    asset = stored(Huge(), tmp_path / "m")
    with pytest.raises(MemoryError):
        load_model(asset, Directory(tmp_path / "run").spec)


def written_by(version: str, path: Path, *, broken: bool) -> Path:
    content = pickle.dumps(doubling_regressor())
    here = sklearn.__version__.encode()
    assert len(version) == len(here)
    content = content.replace(b"\x8c" + bytes([len(here)]) + here, b"\x8c" + bytes([len(here)]) + version.encode())
    if broken:
        content = content.replace(b"sklearn.linear_model._base", b"sklearn.linear_model._gone")
    path.mkdir()
    (path / "scikit_model.pkl").write_bytes(content)
    return path


def test_d13_version_that_wrote_the_model_is_told(tmp_path: Path) -> None:
    error = failure(written_by("0.9.9", tmp_path / "m", broken=True), tmp_path / "run")
    story = f"written by scikit-learn 0.9.9, the software specification tiny-py3.11 has {sklearn.__version__}"
    assert story in str(error)


def test_other_version_is_only_noted_when_the_model_works(tmp_path: Path) -> None:
    asset = written_by("0.9.9", tmp_path / "m", broken=False)
    directory = Directory(tmp_path / "run", asset_path=str(asset)).with_rows([[1]], ["x"])
    directory.run()
    assert directory.predictions() == [[pytest.approx(2.0)]]
    assert "note: the model was written by scikit-learn 0.9.9" in directory.log


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3)])
def test_story_is_read_through_compression(tmp_path: Path, compress: int | tuple[str, int]) -> None:
    joblib.dump(doubling_regressor(), tmp_path / "model.pkl", compress=compress)
    content = content_of(tmp_path / "model.pkl")
    assert sklearn_version(content) == sklearn.__version__
    assert missing_packages(content) == []


@pytest.mark.parametrize("content", [b"not a model", b"", b"\x80\x04garbage"])
def test_garbage_fails_at_once(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scikit_model.pkl").write_bytes(content)
    failure(tmp_path / "scikit_model.pkl", tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "asset_type"), [("m.json", "xgboost_2.0"), ("m.txt", "lightgbm_4"), ("m.onnx", "onnx")]
)
def test_garbage_of_other_frameworks_fails_at_once(tmp_path: Path, name: str, asset_type: str) -> None:
    (tmp_path / name).write_bytes(b"{ not a model")
    failure(tmp_path / name, tmp_path / "run", asset_type)


def test_tensorflow_without_onnx_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m/saved_model.pb").write_bytes(b"\x08\x01")
    assert "no model file" in str(failure(tmp_path / "m", tmp_path / "run", "tensorflow_2.15"))


def test_two_models_are_one_too_many(tmp_path: Path) -> None:
    asset = stored(LinearRegression(), tmp_path / "m", "a.pkl")
    stored(LinearRegression(), asset, "b.pkl")
    assert "several model files: a.pkl, b.pkl" in str(failure(asset, tmp_path / "run"))


def test_object_without_predict_is_refused(tmp_path: Path) -> None:
    assert "dict, which has no predict" in str(failure(stored({"a": 1}, tmp_path / "m"), tmp_path / "run"))


def test_module_beside_the_model_is_found(tmp_path: Path) -> None:
    asset = model_of_a_missing_package(tmp_path / "m")
    source = "class Model:\n    def predict(self, rows):\n        return [7] * len(rows)\n"
    (asset / "vanished_library.py").write_text(source)
    directory = Directory(tmp_path / "run", asset_path=str(asset)).with_rows([[1]], ["x"])
    directory.run()
    assert directory.predictions() == [[7]]

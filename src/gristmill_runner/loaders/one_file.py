"""Loads a model that is one file of a kind that is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gristmill_runner.loaders.boosters import load_lightgbm, load_xgboost
from gristmill_runner.loaders.files import LIGHTGBM, ONNX, PICKLE, PMML, XGBOOST
from gristmill_runner.loaders.onnx_model import load_onnx
from gristmill_runner.loaders.pickled import load_pickled
from gristmill_runner.loaders.pmml_model import load_pmml
from gristmill_runner.loaders.scorer import Scorer
from gristmill_runner.protocol import Spec

_LOADERS: dict[str, Callable[[Path, Spec], Scorer]] = {
    PICKLE: load_pickled,
    XGBOOST: lambda path, _spec: load_xgboost(path),
    LIGHTGBM: lambda path, _spec: load_lightgbm(path),
    ONNX: load_onnx,
    PMML: load_pmml,
}


def load_file(path: Path, kind: str, spec: Spec) -> Scorer:
    """Load a file of one of the kinds that ``files`` tells; whatever its library raises comes through."""
    return _LOADERS[kind](path, spec)

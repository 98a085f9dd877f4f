"""Loads a model asset: finds its file, picks the loader, and words what goes wrong."""

from __future__ import annotations

import sys
from pathlib import Path

from gristmill_runner.failure import RunFailed, is_out_of_memory, summary_of
from gristmill_runner.loaders.boosters import load_lightgbm, load_xgboost
from gristmill_runner.loaders.files import LIGHTGBM, ONNX, PICKLE, XGBOOST, find_model
from gristmill_runner.loaders.onnx_model import load_onnx
from gristmill_runner.loaders.pickled import load_pickled
from gristmill_runner.loaders.scorer import Scorer
from gristmill_runner.protocol import Spec

_LOADERS = {XGBOOST: load_xgboost, LIGHTGBM: load_lightgbm, ONNX: load_onnx}


def load_model(asset: Path, spec: Spec) -> Scorer:
    """Load the model at ``asset`` (a file, or a directory with the unpacked archive).

    Raises:
        RunFailed: ``model_load_failed``.

    """
    path, kind = find_model(asset, spec.get("asset_type") or "")
    if asset.is_dir() and str(asset) not in sys.path:
        sys.path.append(str(asset))  # modules that came with the model
    if kind == PICKLE:
        return load_pickled(path, spec)
    try:
        return _LOADERS[kind](path)
    except ModuleNotFoundError as error:
        name = spec.get("specification_name") or "this software specification"
        raise RunFailed(
            "model_load_failed",
            f"the model needs the package {error.name}, which {name} does not have (add it with a package extension)",
        ) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise RunFailed(
            "model_load_failed", f"the model in {path.name} cannot be loaded: {summary_of(error)}"
        ) from error

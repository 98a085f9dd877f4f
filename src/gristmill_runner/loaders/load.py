"""Loads a model asset: finds its file, picks the loader, and words what goes wrong."""

from __future__ import annotations

import sys
from pathlib import Path

from gristmill_runner.failure import RunFailed, is_out_of_memory, summary_of
from gristmill_runner.loaders.files import MLFLOW, find_model
from gristmill_runner.loaders.mlflow_model import load_mlflow
from gristmill_runner.loaders.one_file import load_file
from gristmill_runner.loaders.scorer import Scorer
from gristmill_runner.protocol import Spec

_PACKAGES = {"yaml": "pyyaml", "jpype": "jpype1", "sklearn": "scikit-learn"}


def load_model(asset: Path, spec: Spec) -> Scorer:
    """Load the model at ``asset`` (a file, or a directory with the unpacked archive).

    Raises:
        RunFailed: ``model_load_failed``, or ``java_missing``.

    """
    path, kind = find_model(asset, spec.get("asset_type") or "")
    if asset.is_dir() and str(asset) not in sys.path:
        sys.path.append(str(asset))  # modules that came with the model
    try:
        return load_mlflow(path, spec) if kind == MLFLOW else load_file(path, kind, spec)
    except RunFailed:
        raise
    except ModuleNotFoundError as error:
        name = spec.get("specification_name") or "this software specification"
        root = (error.name or "").split(".")[0]
        package = _PACKAGES.get(root, root or str(error))
        raise RunFailed(
            "model_load_failed",
            f"the model needs the package {package}, which {name} does not have (add it with a package extension)",
        ) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise RunFailed(
            "model_load_failed", f"the model in {path.name} cannot be loaded: {summary_of(error)}"
        ) from error

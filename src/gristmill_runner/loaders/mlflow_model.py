"""Models as MLflow saves them: a folder with a description. Common flavours are loaded without the mlflow package."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed
from gristmill_runner.features import FRAME, Appetite
from gristmill_runner.loaders.files import LIGHTGBM, ONNX, PICKLE, XGBOOST
from gristmill_runner.loaders.mlflow_signature import input_fields, optional_names, output_names
from gristmill_runner.loaders.one_file import load_file
from gristmill_runner.loaders.pickled import wrapped
from gristmill_runner.loaders.scorer import PREDICTION, Scorer
from gristmill_runner.protocol import Field, Spec

_KINDS = {"sklearn": PICKLE, "xgboost": XGBOOST, "lightgbm": LIGHTGBM, "onnx": ONNX}
_PYTHON = "python_function"
_NARROW = {"integer": "int32", "float": "float32"}  # what MLflow refuses to make of wider numbers


class SignedScorer:
    """A model whose input is described by a signature; of optional columns that an input lacks it sees no values."""

    def __init__(self, scorer: Scorer, fields: list[Field], optional: frozenset[str]) -> None:
        self._scorer = scorer
        own = scorer.appetite
        names = own.names or [field["name"] for field in fields] or None
        optional = optional if own.shape == FRAME else frozenset()
        self.appetite = replace(own, names=names, fields=fields or own.fields, optional=optional)
        self.outputs, self.libraries = scorer.outputs, scorer.libraries

    def predict(self, features: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return what the model does."""
        lacks = self.appetite.optional - set(features.columns) if self.appetite.optional else None
        return self._scorer.predict(features.reindex(columns=self.appetite.names) if lacks else features)


class PythonFunctionScorer:
    """A model that MLflow itself has to load; its answer's columns keep their names.

    Optional columns that an input lacks it does not get, as with MLflow.
    """

    libraries = ("mlflow",)

    def __init__(self, model: Any, document: Mapping[str, Any]) -> None:  # noqa: ANN401
        self._model, self._fields = model, input_fields(document)
        outputs, names = output_names(document), [field["name"] for field in self._fields] or None
        self.appetite = Appetite(names, None, FRAME, fields=self._fields, optional=optional_names(document))
        self.outputs = outputs if len(outputs) > 1 else [PREDICTION]

    def predict(self, features: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return ``prediction``, or the columns where there are several."""
        narrow = {field["name"]: _NARROW[field["type"]] for field in self._fields if field["type"] in _NARROW}
        whole = {name: kind for name, kind in narrow.items() if name in features and not features[name].hasnans}
        answer = self._model.predict(features.astype(whole))
        columns = getattr(answer, "columns", None)
        if columns is not None and len(columns) > 1:
            return {str(name): answer[name].tolist() for name in columns}
        return {PREDICTION: answer.iloc[:, 0].tolist() if columns is not None else answer}


def load_mlflow(description: Path, spec: Spec) -> Scorer:
    """Load the model that an MLmodel file describes.

    Raises:
        RunFailed: ``model_load_failed``, none of its flavours can be loaded, or a file that it names is missing.

    """
    import yaml

    document = yaml.safe_load(description.read_text(encoding="utf-8"))
    flavors = document.get("flavors") if isinstance(document, Mapping) else None
    if not isinstance(flavors, Mapping):
        raise RunFailed("model_load_failed", "the file MLmodel names no flavors")
    for name, kind in _KINDS.items():
        if isinstance(settings := flavors.get(name), Mapping):
            _add_code(description.parent, settings)
            scorer = _loaded(_data(description.parent, name, settings), kind, spec)
            return SignedScorer(scorer, input_fields(document), optional_names(document))
    if _PYTHON in flavors:
        return PythonFunctionScorer(_by_mlflow(description.parent), document)
    can = ", ".join((*_KINDS, _PYTHON))
    raise RunFailed("model_load_failed", f"the model's flavors are {', '.join(flavors)}; those that run are {can}")


def _loaded(path: Path, kind: str, spec: Spec) -> Scorer:
    if path.suffix == ".skops":
        import skops.io

        # A pickle may run what it likes here, so this one may too.
        return wrapped(skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path)))
    return load_file(path, PICKLE if path.suffix == ".pkl" else kind, spec)


def _data(folder: Path, flavor: str, settings: Mapping[str, Any]) -> Path:
    named = str(settings.get("pickled_model" if flavor == "sklearn" else "data") or "")
    path = (folder / named).resolve()
    if not named or not path.is_file() or not path.is_relative_to(folder.resolve()):
        raise RunFailed("model_load_failed", f"the file MLmodel names {named!r} for {flavor}, which is not there")
    return path


def _add_code(folder: Path, settings: Mapping[str, Any]) -> None:
    """Make modules that came with the model importable."""
    code = str(folder / str(settings.get("code")))
    if settings.get("code") and code not in sys.path:
        sys.path.insert(0, code)


def _by_mlflow(folder: Path) -> Any:  # noqa: ANN401
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)

"""Models stored as Python objects (joblib, pickle): whatever comes out is wrapped by what it is."""

from __future__ import annotations

import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed, is_out_of_memory, summary_of
from gristmill_runner.loaders.boosters import LightgbmScorer, XgboostScorer
from gristmill_runner.loaders.estimator import EstimatorScorer
from gristmill_runner.loaders.pickle_story import content_of, missing_packages, sklearn_version
from gristmill_runner.loaders.scorer import Scorer
from gristmill_runner.protocol import Spec


def load_pickled(path: Path, spec: Spec) -> Scorer:
    """Load the object and wrap it.

    Raises:
        RunFailed: ``model_load_failed``, saying which package or version is at fault where that can be told.

    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the one that matters is told below, in one line
            model = _unpickled(path)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise RunFailed("model_load_failed", _why(path, spec, error)) from error
    _note_other_version(path, spec)
    return wrapped(model)


def version_story(path: Path, spec: Spec) -> str | None:
    """Return a sentence on who wrote the model and what the specification has, where the versions differ."""
    written, here = sklearn_version(content_of(path)), _version_here("scikit-learn", spec)
    if written is None or written == here:
        return None
    has = f"has {here}" if here else "does not have it"
    return f"the model was written by scikit-learn {written}, {_specification(spec)} {has}"


def wrapped(model: Any) -> Scorer:  # noqa: ANN401 - a model is whatever was saved
    """Put an object that was loaded behind the face of its kind."""
    kind = (type(model).__module__.split(".")[0], type(model).__name__)
    if kind == ("xgboost", "Booster"):
        return XgboostScorer(model)
    return LightgbmScorer(model) if kind == ("lightgbm", "Booster") else EstimatorScorer(model)


def _unpickled(path: Path) -> Any:  # noqa: ANN401 - a model is whatever was pickled
    try:
        import joblib
    except ModuleNotFoundError:
        with path.open("rb") as file:
            return pickle.load(file)
    return joblib.load(path)


def _why(path: Path, spec: Spec, error: Exception) -> str:
    reasons = [f"the model in {path.name} cannot be loaded: {summary_of(error)}"]
    missing = missing_packages(content_of(path))
    if isinstance(error, ModuleNotFoundError) and error.name and _is_absent(error.name):
        missing = list(dict.fromkeys([error.name.split(".")[0], *missing]))
    if missing:
        plural, them = ("packages", "them") if len(missing) > 1 else ("package", "it")
        names = ", ".join(missing)
        lacks = f"it needs the {plural} {names}, which {_specification(spec)} does not have"
        reasons.append(f"{lacks} (add {them} with a package extension)")
    story = version_story(path, spec)
    return "; ".join([*reasons, story] if story else reasons)


def _is_absent(module: str) -> bool:
    return module.split(".")[0] not in sys.modules


def _note_other_version(path: Path, spec: Spec) -> None:
    story = version_story(path, spec) if "sklearn" in sys.modules else None
    if story:
        print(f"note: {story}", file=sys.stderr, flush=True)  # noqa: T201 - standard error is the run's log


def _version_here(package: str, spec: Spec) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return (spec.get("specification_packages") or {}).get(package)


def _specification(spec: Spec) -> str:
    name = spec.get("specification_name")
    return f"the software specification {name}" if name else "this software specification"

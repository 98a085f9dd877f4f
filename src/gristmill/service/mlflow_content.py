"""Whether a folder that MLflow saved can be run, and what its signature says; nothing of it is loaded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gristmill.domain.errors import Invalid
from gristmill.domain.model_schema import Field
from gristmill.domain.model_signature import mlflow_files, of_mlflow

DESCRIPTION = "MLmodel"
MOST_BYTES = 1024 * 1024
"""A description is cut off behind that, and refused as one that cannot be read."""

_FLAVORS = "sklearn, xgboost, lightgbm, onnx, or python_function where the environment has mlflow"
_DOUBT = (
    "The model is a Python function of MLflow: its software specification needs the package mlflow, and those that the "
    "model itself needs."
)


@dataclass(frozen=True, slots=True)
class Described:
    """What a description tells: a warning, if any, and the columns that the model takes."""

    doubt: str | None
    fields: tuple[Field, ...]


def check(descriptions: Mapping[str, bytes], paths: Collection[str]) -> Described:
    """Read the MLmodel file that is nearest to the top; ``paths`` are all files of the archive.

    Raises:
        Invalid: there are two, it cannot be read, none of its flavours runs here, or the file that it names is missing.

    """
    top = min(path.count("/") for path in descriptions)
    nearest = [path for path in descriptions if path.count("/") == top]
    if len(nearest) > 1:
        raise _refused(f"there are several MLmodel files: {', '.join(sorted(nearest))}; store one model")
    document = _parsed(nearest[0], descriptions[nearest[0]])
    found = mlflow_files(document)
    if found is None:
        return Described(_DOUBT, of_mlflow(document))
    flavor, file = found
    if not flavor:
        has = f"its flavors are {file}" if file else f"{nearest[0]} names no flavors"
        raise _refused(f"{has}; save it with one of: {_FLAVORS}")
    folder = nearest[0].rpartition("/")[0]
    path = f"{folder}/{file}" if folder else file
    if path not in paths:
        raise _refused(
            f"{nearest[0]} names {path!r} for {flavor}, which the archive does not hold; pack the whole folder"
        )
    return Described(None, of_mlflow(document))


def _parsed(path: str, content: bytes) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused(f"{path} is not readable as YAML") from error
    if not isinstance(document, Mapping):
        raise _refused(f"{path} is not readable as YAML")
    return document


def _refused(why: str) -> Invalid:
    return Invalid(f"This model of MLflow cannot be run: {why}.", code="invalid_model_content")

"""The types of model that a space accepts, by family: what a type is called, and what its files must be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gristmill.domain.errors import Invalid


class ModelFamily(StrEnum):
    """What reads the model. The values are the beginnings of the wire's type names."""

    SCIKIT_LEARN = "scikit-learn"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    ONNX = "onnx"
    TENSORFLOW = "tensorflow"
    KERAS = "keras"
    PYTORCH = "pytorch"
    PMML = "pmml"
    MLFLOW = "mlflow"
    SPARK = "mllib"
    SPSS = "spss-modeler"
    OPTIMIZATION = "do"
    HYBRID = "wml-hybrid"


# The longer beginnings stand first: pytorch-onnx is read by the ONNX runtime.
_BEGINNINGS: tuple[tuple[str, ModelFamily], ...] = (
    ("scikit-learn", ModelFamily.SCIKIT_LEARN),
    ("xgboost", ModelFamily.XGBOOST),
    ("lightgbm", ModelFamily.LIGHTGBM),
    ("pytorch-onnx", ModelFamily.ONNX),
    ("onnx", ModelFamily.ONNX),
    ("tensorflow", ModelFamily.TENSORFLOW),
    ("keras", ModelFamily.KERAS),
    ("pytorch", ModelFamily.PYTORCH),
    ("pmml", ModelFamily.PMML),
    ("mlflow", ModelFamily.MLFLOW),
    ("spark-mllib", ModelFamily.SPARK),
    ("spark", ModelFamily.SPARK),
    ("mllib", ModelFamily.SPARK),
    ("spss-modeler", ModelFamily.SPSS),
    ("spss", ModelFamily.SPSS),
    ("do", ModelFamily.OPTIMIZATION),
    ("wml-hybrid", ModelFamily.HYBRID),
)
_NOT_RUN = frozenset({ModelFamily.SPARK, ModelFamily.SPSS, ModelFamily.OPTIMIZATION, ModelFamily.HYBRID})
# What the beginnings are called that people choose from, each with the package that gives their version, if one does.
_OFFERED: tuple[tuple[str, str, str], ...] = (
    ("scikit-learn", "scikit-learn", "1.6"),
    ("xgboost", "xgboost", "2.1"),
    ("lightgbm", "lightgbm", "4.6"),
    ("onnx", "onnx", "1.16"),
    ("pytorch-onnx", "torch", "2.1"),
    ("tensorflow", "tensorflow", "2.14"),
    ("pmml", "", "4.4"),
    ("mlflow", "mlflow", "3.0"),
    ("spark-mllib", "pyspark", "3.4"),
    ("spss-modeler", "", "18.4"),
)
_SHAPE = re.compile(r"([a-z][a-z-]*?)(?:-(?:docplex|opl|cplex|cpo))?(?:_[A-Za-z0-9][A-Za-z0-9._-]*)?")


@dataclass(frozen=True, slots=True)
class OfferedType:
    """A type to choose; one that is not ``runnable`` can be stored and deployed, and its runs fail."""

    name: str
    family: ModelFamily
    runnable: bool


def offered(packages: Mapping[str, str]) -> list[OfferedType]:
    """Return a type for each kind of model, with the version that a software specification's packages have of it."""
    known = {name.lower(): version for name, version in packages.items()}
    found = []
    for beginning, package, otherwise in _OFFERED:
        version = ".".join(known.get(package, otherwise).split(".")[:2])
        kind = dict(_BEGINNINGS)[beginning]
        found.append(OfferedType(f"{beginning}_{version}", kind, kind not in _NOT_RUN))
    return found


def family(model_type: object) -> ModelFamily:
    """Return what reads models of this type, such as ``scikit-learn_1.3``.

    Raises:
        Invalid: no such type is supported; the message lists those that are.

    """
    match = _SHAPE.fullmatch(model_type) if isinstance(model_type, str) else None
    found = dict(_BEGINNINGS).get(match[1]) if match else None
    if found is None:
        supported = ", ".join(f"{beginning}_<version>" for beginning, _ in _BEGINNINGS)
        raise Invalid(
            f"Unsupported model type: {model_type}, supported are {supported}.",
            code="unsupported_model_type",
            field="type",
        )
    return found

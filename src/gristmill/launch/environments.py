"""Software environments: an interpreter, what its zygote imports beforehand, and the versions of its packages."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

PRELOAD = (
    "numpy",
    "pandas",
    "sklearn",
    "sklearn.pipeline",
    "sklearn.compose",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "joblib",
    "pyarrow",
    "pyarrow.csv",
    "pyarrow.compute",
    "pyarrow.parquet",
    "pyarrow.pandas_compat",  # this one and narwhals are imported late by the others: 10 ms of the first prediction
    "narwhals._pandas_like.namespace",
    "narwhals._interchange.dataframe",
    "narwhals.stable.v2._namespace",
    "xgboost",
    "lightgbm",
    "onnxruntime",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where runs of a software specification execute; modules of ``preload`` that are missing are skipped."""

    name: str
    python: Path
    preload: tuple[str, ...] = PRELOAD
    packages: Mapping[str, str] = field(default_factory=dict)


def shipped() -> Environment:
    """Return the environment that Gristmill itself runs in, with every package that is really there."""
    packages = {distribution.name: distribution.version for distribution in metadata.distributions()}
    name = f"gristmill-py{sys.version_info.major}.{sys.version_info.minor}"
    return Environment(name=name, python=Path(sys.executable), packages=dict(sorted(packages.items())))

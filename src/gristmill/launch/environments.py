"""Software environments: an interpreter, what its zygote imports beforehand, and the versions of its packages."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
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
    """Where runs of a software specification execute; modules of ``preload`` that are missing are skipped.

    ``name`` tells environments apart and is fit for a file name; it changes when what is installed changes.
    """

    name: str
    python: Path
    preload: tuple[str, ...] = PRELOAD
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def places(self) -> tuple[Path, Path]:
        """The directories that its interpreter reads: its packages, and the installation that it is a branch of."""
        return self.python.parents[1], self.python.resolve().parents[1]


def shipped() -> Environment:
    """Return the environment that Gristmill itself runs in, with every package that is really there."""
    name = f"gristmill-py{sys.version_info.major}.{sys.version_info.minor}"
    return Environment(name=name, python=Path(sys.executable), packages=_packages(metadata.distributions()))


def built(name: str, directory: Path) -> Environment:
    """Return the environment that was built in a directory, with every package that is there."""
    (site,) = (directory / "lib").glob("python3.*/site-packages")
    packages = _packages(metadata.distributions(path=[str(site)]))
    return Environment(name=name, python=directory / "bin" / "python", packages=packages)


def _packages(distributions: Iterable[metadata.Distribution]) -> dict[str, str]:
    return dict(sorted((distribution.name, distribution.version) for distribution in distributions))

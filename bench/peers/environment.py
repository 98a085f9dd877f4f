"""The environments of peers that Gristmill does not ship with: each has one of its own, made on first use and kept."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

_PLACE = Path(".cache/bench")
_SAME = ("joblib", "lightgbm", "numpy", "pandas", "scikit-learn")


def bench_python() -> str:
    """Return an interpreter that has MLflow and Ray Data beside the libraries of the models, in their versions here."""
    same = [f"{name}=={importlib.metadata.version(name)}" for name in _SAME]
    return python_with("scoring", *same, "mlflow>=3.17", "ray[data]>=2.60", "psutil")


def python_with(name: str, *requirements: str) -> str:
    """Return the interpreter of the environment of this name; other requirements make it anew."""
    place = _PLACE / name
    python, made = place / "bin" / "python", place / ".made"
    wanted = hashlib.sha256(" ".join(requirements).encode()).hexdigest()
    if not made.exists() or made.read_text() != wanted:
        print(f"Installing {', '.join(requirements)} into {place} ...", file=sys.stderr, flush=True)
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(place))
        _uv("pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *requirements)
        made.write_text(wanted)
    # Not resolved: it is its place that tells an environment's interpreter what it has.
    return os.path.abspath(python)  # noqa: PTH100


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)

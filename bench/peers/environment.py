"""The environment of peers that Gristmill does not ship with."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

_PLACE = Path(".venv-bench")
_SAME = ("joblib", "lightgbm", "numpy", "pandas", "scikit-learn")


def bench_python() -> str:
    """Return an interpreter that has MLflow and Ray Data beside the libraries of the models, in their versions here."""
    python = _PLACE / "bin" / "python"
    if not (_PLACE / ".made").exists():
        same = [f"{name}=={importlib.metadata.version(name)}" for name in _SAME]
        subprocess.run(
            [sys.executable, "-m", "uv", "venv", "--clear", "--python", sys.executable, str(_PLACE)], check=True
        )
        install = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "install",
            "--quiet",
            "--compile-bytecode",
            "--python",
            str(python),
        ]
        subprocess.run([*install, *same, "mlflow>=3.17", "ray[data]>=2.60", "psutil"], check=True)
        (_PLACE / ".made").touch()
    return str(python)

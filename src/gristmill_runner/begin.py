"""Runs one run directory: begun as a file, by whatever interpreter a node of a flow needs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def _begin() -> int:
    """Load the package from its place without making its neighbours importable, then run the directory."""
    place = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        "gristmill_runner", place / "__init__.py", submodule_search_locations=[str(place)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = sys.modules["gristmill_runner"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    from gristmill_runner.__main__ import main

    return main(["run", sys.argv[1]])


if __name__ == "__main__":
    sys.exit(_begin())

"""What Gristmill tells of its own environment is true."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

from gristmill.launch.environments import shipped


def test_shipped_environment_is_this_one() -> None:
    environment = shipped()
    assert environment.python == Path(sys.executable)
    assert environment.packages["scikit-learn"] == metadata.version("scikit-learn")
    assert environment.packages["pandas"] == metadata.version("pandas")
    assert environment.name.startswith("gristmill-py3.")

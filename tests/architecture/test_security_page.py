"""The page on security names tests: each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_test_that_the_page_on_security_names_is_there() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", (ROOT / "docs/explanation/security.md").read_text())
    assert named
    gone = [name for file, name in named if not _is_there(file, name)]
    assert gone == []


def _is_there(file: str, name: str) -> bool:
    return any(f"def {name}(" in path.read_text() for path in (ROOT / "tests").rglob(file))

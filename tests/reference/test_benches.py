"""The page on performance names every bench, and no other."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NO_BENCHES = {"__init__", "server"}


def test_the_page_on_performance_names_every_bench() -> None:
    told = set(re.findall(r"`make bench-([a-z-]+)", (ROOT / "docs/explanation/performance.md").read_text("utf-8")))
    there = {path.stem.replace("_", "-") for path in (ROOT / "bench").glob("*.py") if path.stem not in _NO_BENCHES}
    assert told == there

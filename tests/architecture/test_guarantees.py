"""Promises name the tests that show them; a test that is renamed takes its promise along."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUARANTEES = ROOT / "docs" / "explanation" / "guarantees.md"


def test_every_promise_names_tests_that_are_there() -> None:
    text = GUARANTEES.read_text()
    named = set(re.findall(r"`(test_\w+)`", text))
    there = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert named - there == set()
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| what |")]
    assert [line for line in rows if "`test_" not in line] == []
    assert len(rows) > 10

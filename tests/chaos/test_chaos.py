"""A short history of faults in each world; `make chaos MINUTES=5` lives through longer ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.chaos import live
from tests.chaos.world import WORLDS


@pytest.mark.parametrize("world", WORLDS)
def test_what_was_asked_is_there_once_after_faults_of_every_sort(tmp_path: Path, world: str) -> None:
    said: list[str] = []
    report = live(tmp_path, seed=1, seconds=40, world=world, say=said.append, patient=False)
    assert report.faults >= 3
    assert report.broken == [], "\n".join(said)

"""A short history of faults in each world; `make chaos MINUTES=5` lives through longer ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.chaos import live
from tests.chaos.world import WORLDS


@pytest.mark.parametrize("world", WORLDS)
def test_what_was_asked_is_there_once_after_faults_of_many_sorts(tmp_path: Path, world: str) -> None:
    said: list[str] = []
    # This seed restarts the database twice, pauses and kills, and takes the store and the mail server away.
    report = live(tmp_path, seed=48, seconds=40, world=world, say=said.append, patient=False)
    assert report.faults >= 3
    assert world == "sqlite" or sum("restart of PostgreSQL" in line for line in said) == 2, said
    assert report.broken == [], "\n".join(said)

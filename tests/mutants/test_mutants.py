"""The simulation has teeth: it finds what is planted in a copy of the core."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.mutant import PATCHES, all_mutants, read


@pytest.mark.parametrize("name", ["newest_first", "outbox_after_commit", "two_schedulers_one_tick"])
def test_the_simulation_finds_what_was_planted(name: str, tmp_path: Path) -> None:
    mutant = read(PATCHES / f"{name}.patch")
    found, said = mutant.is_found(tmp_path)
    assert found, said
    assert "broke:" in said, said


def test_each_mutant_says_what_it_plants_and_what_finds_it() -> None:
    assert len(all_mutants()) >= 10

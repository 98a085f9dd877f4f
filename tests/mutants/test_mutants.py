"""The suite has teeth: faults that other systems shipped are planted in copies of the source, and found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants.mutant import PATCHES, ROOT, Mutant, all_mutants, read

_FEWEST_LINES = 30
_SLOWER = ("outbox_after_commit", "two_schedulers_one_tick")


@pytest.mark.parametrize("name", ["newest_first", *(pytest.param(name, marks=pytest.mark.sweep) for name in _SLOWER)])
def test_the_simulation_finds_what_was_planted(name: str, tmp_path: Path) -> None:
    verdict = read(PATCHES / f"{name}.patch").judge(tmp_path)
    assert verdict.found, verdict.said
    assert "broke:" in verdict.said, verdict.said


@pytest.mark.parametrize("mutant", all_mutants(), ids=lambda mutant: mutant.name)
def test_every_patch_still_fits_the_source_and_names_tests_that_are_there(mutant: Mutant) -> None:
    mutant.plant(ROOT, only_look=True)
    for where in (argument for argument in mutant.found_by.split() if ".py" in argument):
        path, _, test = where.partition("::")
        assert f"def {test.partition('[')[0]}" in (ROOT / path).read_text()


def test_many_different_lines_of_the_list_are_planted() -> None:
    assert len({line for mutant in all_mutants() for line in mutant.lines}) >= _FEWEST_LINES

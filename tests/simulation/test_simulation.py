"""Seeds that always run, and that a seed tells the same story every time and everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.simulation import Laboratory

ROOT = Path(__file__).parents[2]
STEPS = 200


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    made = Laboratory(tmp_path_factory.mktemp("simulation"))
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_breaks_and_everything_ends(laboratory: Laboratory, seed: int) -> None:
    report = laboratory.simulate(seed, steps=STEPS)
    assert not report.broken, str(report)


def test_the_same_seed_tells_the_same_story_also_in_another_process(laboratory: Laboratory) -> None:
    laboratory.simulate(12, steps=20)
    here = laboratory.simulate(11, steps=100)
    command = [sys.executable, "-m", "tests.simulation", "11", "--steps", "100"]
    # Sets of texts have another order there.
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    there = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert there.stdout.strip() == here.line
    assert here.digest != laboratory.simulate(12, steps=20).digest


def test_what_was_lived_through_had_faults_of_every_kind(laboratory: Laboratory) -> None:
    told = "".join(laboratory.simulate(seed, steps=STEPS).history for seed in range(1, 6))
    for sign in ("database fails at", " dies at ", "begun", "decided", "rescued", "counted", "submit"):
        assert sign in told

"""Whatever rows are bad and whoever is killed where: the output is that of the good rows, and the books add up."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.runner.scoring.histories import Attempts, History, follow, histories, stored_marked


@pytest.fixture(scope="module")
def attempts() -> Iterator[Attempts]:
    process = Attempts()
    yield process
    process.close()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored_marked(tmp_path_factory.mktemp("model") / "m")


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories())
def test_a1_every_row_is_accounted_for_whoever_is_killed(history: History, model: Path, attempts: Attempts) -> None:
    with tempfile.TemporaryDirectory() as place:
        follow(history, Path(place), model=model, attempts=attempts)

"""Whatever rows are bad and whoever is killed where: the output is that of the good rows, and the books add up."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.unit.runner.scoring.histories import Attempts, History, Row, follow, histories, stored_marked
from tests.unit.runner.scoring.marked import ABORTS, CRASHES, EXITS, RAISES


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


@pytest.mark.parametrize("beside", [("no number", "0"), ("7", str(RAISES))])
@pytest.mark.parametrize("killer", [CRASHES, EXITS, ABORTS])
@pytest.mark.parametrize("order", [1, -1])
def test_a4_a_row_that_kills_is_found_beside_one_that_is_rejected(
    tmp_path: Path, model: Path, attempts: Attempts, beside: Row, killer: int, order: int
) -> None:
    """Slices are tried as wholes first, and the row beside it ends their attempt before the killer's turn."""
    pair = [beside, ("7", str(killer))][::order]
    rows = [(str(number), "0") for number in range(90)] + pair
    history = History(rows=rows, block_bytes=1000, scorers=1, inline=False, kills=[])
    follow(history, tmp_path, model=model, attempts=attempts)

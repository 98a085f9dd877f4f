"""Profiles: what has jumped is told, and what differs by chance is not."""

from __future__ import annotations

import random
from typing import Any

import pytest

from gristmill.domain.profile import STABILITY_INDEX, compare, stability_index, warning

_SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def numbers(values: list[float], *, nulls: int = 0, name: str = "prediction") -> dict[str, Any]:
    ordered = sorted(values)
    mean = sum(values) / len(values)
    return {
        "name": name,
        "rows": len(values) + nulls,
        "nulls": nulls,
        "mean": mean,
        "deviation": (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5,
        "quantiles": [[share, ordered[int(share * (len(ordered) - 1))]] for share in _SHARES],
    }


def labels(counts: dict[str, int], *, distinct: int | None = None) -> dict[str, Any]:
    rows = sum(counts.values())
    categories = [[name, count] for name, count in counts.items()]
    return {"name": "label", "rows": rows, "nulls": 0, "categories": categories, "distinct": distinct or len(counts)}


def sample(mean: float, deviation: float, *, seed: int, rows: int = 2_000) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(mean, deviation) for _ in range(rows)]


def said(now: dict[str, Any], before: dict[str, Any]) -> list[str]:
    return compare([now], [before], rows=now["rows"], rows_before=before["rows"])


@pytest.mark.parametrize("seed", range(20))
def test_two_samples_of_the_same_are_alike(seed: int) -> None:
    rows = 500 + 100 * seed
    assert said(numbers(sample(0, 1, seed=seed, rows=rows)), numbers(sample(0, 1, seed=99 + seed, rows=rows))) == []


def test_a_mean_that_moved_is_told_in_deviations() -> None:
    (mean, distribution) = said(numbers(sample(2, 1, seed=1)), numbers(sample(0, 1, seed=2)))
    assert mean.startswith("prediction: the mean is 2")
    assert "standard deviations" in mean
    assert "population stability index" in distribution


def test_a_distribution_that_moved_around_its_mean_is_told() -> None:
    (only,) = said(numbers(sample(0, 3, seed=1)), numbers(sample(0, 1, seed=2)))
    assert "the distribution moved" in only


def test_many_equal_values_are_no_shift_when_their_share_hardly_differs() -> None:
    """A share of zeros of 51 % and one of 49 % lie on the two sides of a quantile."""
    now, before = ([0.0] * zeros + sample(5, 1, seed=zeros, rows=1_000 - zeros) for zeros in (490, 510))
    found = stability_index(numbers(now), numbers(before))
    assert found is not None
    assert found < STABILITY_INDEX


def test_categories_are_compared_by_their_shares() -> None:
    assert said(labels({"yes": 480, "no": 520}), labels({"yes": 520, "no": 480})) == []
    assert "distribution" in said(labels({"yes": 100, "no": 900}), labels({"yes": 500, "no": 500}))[0]
    # A new category of ten per cent.
    assert "distribution" in said(labels({"yes": 450, "no": 450, "?": 100}), labels({"yes": 500, "no": 500}))[0]


def test_of_lists_that_are_cut_off_only_what_is_in_both_counts() -> None:
    now = labels({f"a{n}": 1 for n in range(20)}, distinct=5_000)
    before = labels({f"b{n}": 1 for n in range(20)}, distinct=5_000)
    assert stability_index({**now, "rows": 5_000}, {**before, "rows": 5_000}) == 0


def test_nulls_and_rows_that_jump_are_told() -> None:
    values = sample(0, 1, seed=3, rows=1_000)
    found = said(numbers(values, nulls=600), numbers(values))
    assert found == ["1,600 rows were read, 1,000 before", "prediction: 37.5% are null, 0.0% before"]
    assert said(numbers(values, nulls=20), numbers(values)) == []
    assert compare([], [], rows=400_000, rows_before=1_000_000) == ["400,000 rows were read, 1,000,000 before"]


def test_of_a_few_rows_nothing_is_told() -> None:
    assert said(numbers([1.0, 2.0]), numbers([100.0, 200.0, 300.0])) == []


def test_a_column_that_was_constant_and_moved_is_told() -> None:
    (mean,) = said(numbers([2.0] * 600), numbers([1.0] * 600))
    assert "the mean is 2, 1 before" in mean
    assert said(numbers([1.0] * 600), numbers([1.0] * 600)) == []


def test_a_column_that_is_new_or_gone_is_no_finding() -> None:
    values = sample(0, 1, seed=4)
    assert said(numbers(values, name="a"), numbers([9.0] * 2_000, name="b")) == []


def test_the_warning_says_with_what_it_was_compared() -> None:
    assert warning([], since="x") is None
    assert warning(["a", "b"], since="the run before") == "The result differs from that of the run before: a; b."

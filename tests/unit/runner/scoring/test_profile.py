"""Summaries of chunks, brought together, tell what one of the whole would."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill_runner.protocol import ColumnProfile
from gristmill_runner.scoring.profile import RunProfile, summaries


def profiled(*chunks: dict[str, Any]) -> list[ColumnProfile]:
    profile = RunProfile()
    for chunk in chunks:
        profile.add(json.loads(json.dumps(summaries(chunk))))
    return profile.told()


@given(parts=st.lists(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=60), min_size=1))
def test_numbers(parts: list[list[float | None]]) -> None:
    arrays = [np.array([math.nan if value is None else value for value in part]) for part in parts]
    (told,) = profiled(*({"prediction": array} for array in arrays))
    whole = np.concatenate(arrays)
    known = whole[~np.isnan(whole)]
    assert (told["rows"], told["nulls"]) == (len(whole), len(whole) - len(known))
    if len(known):
        assert (told["minimum"], told["maximum"]) == (known.min(), known.max())
        assert told["mean"] == pytest.approx(known.mean(), abs=1e-6)
        assert told["deviation"] == pytest.approx(known.std(), abs=1e-3)
        levels = [value for _, value in told["quantiles"]]
        assert levels == sorted(levels)
        span = 1e-5 * max(1.0, abs(known).max())
        assert known.min() - span <= levels[0]
        assert levels[-1] <= known.max() + span


def test_quantiles_of_many_rows_are_close() -> None:
    random = np.random.default_rng(0)
    chunks = [random.normal(at % 3, 1 + at % 2, size=1_000 + 37 * at) for at in range(400)]
    (told,) = profiled(*({"prediction": chunk} for chunk in chunks))
    whole = np.sort(np.concatenate(chunks))
    for share, value in told["quantiles"]:
        assert np.searchsorted(whole, value) / len(whole) == pytest.approx(share, abs=0.01)


def test_classes_are_counted() -> None:
    (labels,) = profiled({"p": np.array([0, 1, 1])}, {"p": np.array([1, 7])})
    assert (labels["type"], labels["categories"], labels["distinct"]) == ("integer", [[1, 3], [0, 1], [7, 1]], 3)
    (words,) = profiled({"p": np.array(["no", "yes", None, "no"], dtype=object)}, {"p": ["yes", "no"]})
    assert (words["type"], words["nulls"], words["categories"]) == ("string", 1, [["no", 3], ["yes", 2]])
    (truths,) = profiled({"p": np.array([True, False, True])})
    assert (truths["type"], truths["categories"]) == ("boolean", [[True, 2], [False, 1]])


def test_many_integers_are_only_numbers() -> None:
    (told,) = profiled(*({"p": np.array([30 * at, 30 * at + 1])} for at in range(60)))
    assert "categories" not in told
    assert told["maximum"] == 1771.0


def test_lists_are_told_by_position() -> None:
    for values in (np.array([[0.1, 0.9], [0.3, 0.7]]), [[0.1, 0.9], [0.3, 0.7]], [(0.1, 0.9), (0.3, 0.7)]):
        told = profiled({"probability": values})
        assert [(each["name"], each["minimum"]) for each in told] == [("probability[0]", 0.1), ("probability[1]", 0.7)]
    assert len(profiled({"probability": np.zeros((2, 30))})) == 10


def test_what_changes_its_type_is_told_as_text() -> None:
    (told,) = profiled({"p": np.array([1, 2])}, {"p": ["a", "b"]})
    assert (told["type"], told["rows"]) == ("string", 4)


@pytest.mark.parametrize("values", [[], [None, None], [{"a": 1}, {"a": 1}], [b"x"], np.array([], dtype="float64")])
def test_odd_values_are_told_too(values: Any) -> None:
    told = profiled({"p": values})
    assert all(each["rows"] == len(values) for each in told)

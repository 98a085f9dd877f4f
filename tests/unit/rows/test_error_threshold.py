"""What may be given as an error threshold, and what it allows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain.error_threshold import (
    ErrorThreshold,
    read_error_threshold,
    read_of_configuration,
    read_of_scoring,
)
from gristmill.domain.errors import Invalid


@pytest.mark.parametrize(
    ("given", "wanted", "said"),
    [
        (0, {"rows": 0}, "0 rows"),
        (1, {"rows": 1}, "1 row"),
        (5_000, {"rows": 5_000}, "5,000 rows"),
        (0.0, {"rows": 0}, "0 rows"),
        (3.0, {"rows": 3}, "3 rows"),
        (0.02, {"share": 0.02}, "2 %"),
        ("2 %", {"share": 0.02}, "2 %"),
        ("0.5%", {"share": 0.005}, "0.5 %"),
        ("0 %", {"rows": 0}, "0 rows"),
        ("100 %", {"share": 1.0}, "100 %"),
    ],
)
def test_a_threshold_is_a_number_of_rows_or_a_share(given: object, wanted: object, said: str) -> None:
    found = read_error_threshold(given, where="error_threshold")
    assert found
    assert found.document() == wanted
    assert str(found) == said
    assert ErrorThreshold.of(found.document()) == found


@pytest.mark.parametrize("given", [-1, 1.5, -0.1, math.nan, math.inf, True, "2", "101 %", "-1 %", "many", [], {}])
def test_anything_else_is_refused_with_the_field_named(given: object) -> None:
    with pytest.raises(Invalid, match=r"scoring\.error_threshold: .* neither a whole number of rows") as refused:
        read_of_scoring({"error_threshold": given})
    assert refused.value.field == "scoring.error_threshold"


def test_it_is_found_where_the_client_can_put_it() -> None:
    assert read_of_scoring(None) is None
    assert read_of_scoring({"scoring_parameters": {"a": 1}}) is None
    assert read_of_scoring({"scoring_parameters": {"error_threshold": 2}}) == ErrorThreshold(rows=2)
    # The section's own member wins, also where it says 0.
    assert read_of_scoring({"error_threshold": 0, "scoring_parameters": {"error_threshold": 2}}) == ErrorThreshold()
    assert read_of_configuration({"scoring": {"error_threshold": "5 %"}}) == ErrorThreshold(rows=None, share=0.05)
    assert read_of_configuration({"error_threshold": 1, "scoring": {"error_threshold": 2}}) == ErrorThreshold(rows=1)
    with pytest.raises(Invalid) as refused:
        read_of_scoring({"scoring_parameters": {"error_threshold": "x"}})
    assert refused.value.field == "scoring.scoring_parameters.error_threshold"


def test_a_run_from_before_there_was_one_allows_nothing() -> None:
    assert not ErrorThreshold.of(None).allows(rejected=1, read=1_000_000)
    assert ErrorThreshold.of(None).allows(rejected=0, read=0)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_rows_and_shares_allow_what_they_say(rows: int, rejected: int, scored: int) -> None:
    read = rejected + scored
    assert ErrorThreshold(rows=rows).allows(rejected=rejected, read=read) == (rejected <= rows)
    half = ErrorThreshold(rows=None, share=0.5)
    assert half.allows(rejected=rejected, read=read) == (2 * rejected <= read)

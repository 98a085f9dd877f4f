"""Previews: how many rows, and what they tell of the whole."""

from __future__ import annotations

import pytest

from gristmill.domain.errors import Invalid
from gristmill.domain.preview import estimate, read_row_limit


def test_a_preview_looks_at_twenty_rows_unless_told_otherwise() -> None:
    assert (read_row_limit(None), read_row_limit(1), read_row_limit(1_000)) == (20, 1, 1_000)
    for wrong in (0, 1_001, "20", 2.0, True):
        with pytest.raises(Invalid, match="row_limit") as refused:
            read_row_limit(wrong)
        assert refused.value.field == "row_limit"


def test_the_estimate_takes_the_start_once_and_shares_the_rows() -> None:
    found = estimate(rows=20, seconds=2.0, scoring_seconds=0.5, rows_total=200, scorers=1)
    assert found == {"rows": 200, "seconds": 6.5}
    halved = estimate(rows=20, seconds=2.0, scoring_seconds=0.5, rows_total=200, scorers=2)
    assert halved == {"rows": 200, "seconds": 4.0}


def test_an_input_of_no_more_than_the_preview_takes_as_long_as_that_did() -> None:
    assert estimate(rows=5, seconds=1.0, scoring_seconds=0.2, rows_total=5, scorers=4) == {"rows": 5, "seconds": 1.0}


def test_nothing_is_estimated_where_nothing_tells() -> None:
    assert estimate(rows=20, seconds=1.0, scoring_seconds=None, rows_total=None, scorers=1) is None
    assert estimate(rows=0, seconds=1.0, scoring_seconds=None, rows_total=10, scorers=1) is None

"""A1: rows read = scored + rejected + not attempted, or the run has not completed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain.error_threshold import ErrorThreshold
from gristmill.domain.row_totals import RowTotals, mismatch, rejection_warning, totals

_COUNT = st.integers(0, 10**9)


@given(_COUNT, _COUNT, _COUNT, st.integers(-3, 3))
def test_a1_numbers_count_only_when_they_add_up(scored: int, rejected: int, not_attempted: int, off: int) -> None:
    read = scored + rejected + not_attempted + off
    rows = {"read": read, "scored": scored, "rejected": rejected, "not_attempted": not_attempted, "resumed": 5}
    found = totals(rows)
    if off:
        assert found is None
        assert "do not add up" in str(mismatch(rows, ErrorThreshold(rows=10**9)))
    else:
        assert found
        assert found.columns() == {
            "rows_read": read,
            "rows_scored": scored,
            "rows_rejected": rejected,
            "rows_not_attempted": not_attempted,
        }
        assert (mismatch(rows, ErrorThreshold(rows=10**9)) is None) == (not_attempted == 0)


@pytest.mark.parametrize(
    "rows", [{}, {"read": 1}, {"read": -1, "scored": -1}, {"read": "1", "scored": 1}, {"scored": 1, "rejected": 0}]
)
def test_what_is_no_number_of_rows_does_not_count(rows: dict[str, object]) -> None:
    assert totals(rows) is None
    assert mismatch(rows, ErrorThreshold())


def test_a2_more_than_the_threshold_is_a_mismatch_that_says_so() -> None:
    rows = {"read": 1_000, "scored": 997, "rejected": 3}
    assert mismatch(rows, ErrorThreshold(rows=3)) is None
    assert mismatch(rows, ErrorThreshold(rows=2)) == (
        "3 of 1,000 rows were rejected (0.3 %), which is more than the error_threshold of 2 rows allows."
    )


def test_a3_the_warning_names_the_first_row_its_column_and_value() -> None:
    counted = RowTotals(read=1_000, scored=997, rejected=3)
    first = {"source": "", "row": 17, "column": "age", "value": "x", "reason": "it is no number."}
    assert rejection_warning(counted, [first], "rejected_rows.csv") == (
        "3 of 1,000 rows were rejected (0.3 %); the first: row 17, column 'age', value 'x': it is no number; "
        "they are in rejected_rows.csv."
    )
    other = {"source": "a.csv", "row": 2, "column": None, "value": None, "reason": "predict raised"}
    assert "row 2 of a.csv: predict raised" in str(rejection_warning(counted, [other], None))
    assert rejection_warning(RowTotals(read=1, scored=1), [], None) is None


def test_a_tiny_share_is_not_said_to_be_nothing() -> None:
    counted = RowTotals(read=10_000_000, scored=9_999_999, rejected=1)
    assert "(less than 0.01 %)" in str(rejection_warning(counted, [], None))

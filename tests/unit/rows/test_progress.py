"""The rate is that of the last minute; the end is judged by rows where their number is known, by bytes otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain.progress import Pace, Progress

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def taken(*looks: tuple[float, dict[str, Any]]) -> Progress:
    pace = Pace()
    found = [pace.take(told, at_seconds=at, now=NOW + timedelta(seconds=at)) for at, told in looks]
    return found[-1]


def test_the_first_look_has_no_rate() -> None:
    found = taken((0, {"rows_done": 0, "rows_total": 100}))
    assert (found.rows_done, found.rows_total, found.rows_per_second, found.estimated_end) == (0, 100, None, None)


def test_the_end_is_judged_by_rows_where_their_number_is_known() -> None:
    # Bytes say otherwise, and do not count.
    sizes = {"bytes_done": 1, "bytes_total": 1_000}
    found = taken(
        (0, {"rows_done": 0, "rows_total": 100, **sizes}), (10, {"rows_done": 20, "rows_total": 100, **sizes})
    )
    assert found.rows_per_second == 2
    assert found.estimated_end == NOW + timedelta(seconds=10 + 40)


def test_the_end_is_judged_by_bytes_otherwise() -> None:
    found = taken(
        (0, {"rows_done": 0, "rows_total": None, "bytes_done": 0, "bytes_total": 1_000}),
        (10, {"rows_done": 7, "rows_total": None, "bytes_done": 250, "bytes_total": 1_000}),
    )
    assert found.rows_per_second == 0.7
    assert found.estimated_end == NOW + timedelta(seconds=10 + 30)


def test_only_the_last_minute_counts() -> None:
    slow = [(float(at), {"rows_done": at, "rows_total": 10_000}) for at in range(100)]
    fast = [(100.0 + at, {"rows_done": 100 + 10 * at, "rows_total": 10_000}) for at in range(61)]
    assert taken(*slow).rows_per_second == 1
    assert taken(*slow, *fast).rows_per_second == 10


def test_a_run_that_stands_still_has_a_rate_of_nothing_and_no_end() -> None:
    looks = [(float(at), {"rows_done": 5, "rows_total": 10}) for at in range(0, 300, 10)]
    found = taken(*looks)
    assert (found.rows_per_second, found.estimated_end) == (0, None)


def test_what_a_child_says_is_read_as_words_of_a_stranger() -> None:
    found = taken((0, {"rows_done": "many", "rows_total": True, "rows_rejected": -1, "bytes_done": {}}))
    assert (found.rows_done, found.rows_total, found.rows_rejected, found.pace()) == (0, None, None, {})


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 10**12)), max_size=300))
def test_whatever_is_told_gives_a_rate_from_nothing_up(steps: list[tuple[float, int]]) -> None:
    pace, at = Pace(), 0.0
    for seconds, done in steps:
        at += seconds
        found = pace.take({"rows_done": done, "rows_total": 10**12}, at_seconds=at, now=NOW)
        assert found.rows_per_second is None or found.rows_per_second >= 0
        assert found.estimated_end is None or found.estimated_end >= NOW

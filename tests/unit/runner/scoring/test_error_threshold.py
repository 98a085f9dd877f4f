"""When too many rows are rejected."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gristmill_runner.scoring.error_threshold import ErrorThreshold


def test_none_means_not_one() -> None:
    assert ErrorThreshold.of(None).is_broken(1, read=1, total=None)
    assert not ErrorThreshold.of(None).is_broken(0, read=1, total=None)


def test_share_waits_for_enough_rows_where_nobody_knows_how_many_there_are() -> None:
    threshold = ErrorThreshold.of({"share": 0.01})
    assert not threshold.is_broken(5_000, read=9_999, total=None)
    assert threshold.is_broken(101, read=10_000, total=None)
    assert not threshold.is_broken(100, read=10_000, total=None)


@given(share=st.floats(0, 1), total=st.integers(1, 1000), rejected=st.integers(0, 1000), more=st.integers(0, 1000))
def test_room_is_what_may_be_rejected_yet(share: float, total: int, rejected: int, more: int) -> None:
    threshold = ErrorThreshold.of({"share": share})
    room = threshold.room(rejected, total=total)
    assert room is not None
    if not threshold.is_broken(rejected, read=0, total=total):
        assert threshold.is_broken(rejected + more, read=0, total=total) is (more > room)
    else:
        assert room == 0

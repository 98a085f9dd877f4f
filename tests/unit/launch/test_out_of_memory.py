"""Which deaths are put down to a lack of memory."""

from __future__ import annotations

import signal

import pytest

from gristmill.launch.out_of_memory import kernel_kills, ran_out


@pytest.mark.parametrize(
    ("number", "peak", "limit", "verdict"),
    [
        (signal.SIGABRT, 90, 100, True),
        (signal.SIGABRT, 10, 100, False),
        (signal.SIGABRT, 90, None, False),
        (signal.SIGSEGV, 90, 100, False),
        (None, 90, 100, False),
    ],
)
def test_abort_counts_near_the_limit(number: int | None, peak: int, limit: int | None, *, verdict: bool) -> None:
    before = kernel_kills()
    assert ran_out(number=number, kills_before=before, peak_bytes=peak, limit_bytes=limit) is verdict


def test_kill_counts_when_the_kernel_has_killed_since() -> None:
    before = kernel_kills()
    assert not ran_out(number=signal.SIGKILL, kills_before=before, peak_bytes=0, limit_bytes=None)
    assert ran_out(number=signal.SIGKILL, kills_before=before - 1, peak_bytes=0, limit_bytes=None)

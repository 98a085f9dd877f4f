"""Work that somebody attends, and calls that are bounded."""

from __future__ import annotations

import threading

import pytest

from gristmill.engine.attended import Interrupted, attended
from gristmill.service.bounded_calls import BoundedCalls, CallRefused


def nothing() -> None:
    """Go on."""


def test_work_returns_and_raises_what_it_does() -> None:
    assert attended(lambda _unwanted: 3, nothing) == 3

    def fail(_unwanted: threading.Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attended(fail, nothing)


def test_work_that_is_not_wanted_is_told_and_left() -> None:
    told, asked = threading.Event(), threading.Event()

    def work(unwanted: threading.Event) -> None:
        asked.set()
        unwanted.wait(30)
        told.set()

    def look() -> None:
        if asked.is_set():
            raise Interrupted

    with pytest.raises(Interrupted):
        attended(work, look)
    assert told.wait(5)


def test_calls_are_few_at_once_and_are_not_waited_for_for_long() -> None:
    calls, go_on = BoundedCalls(at_once=1, seconds=0.05), threading.Event()
    with pytest.raises(CallRefused, match=r"no answer within 0\.05 s"):
        calls.make(lambda: go_on.wait(30))
    with pytest.raises(CallRefused, match="1 connections are being looked at already"):
        calls.make(lambda: 1)
    go_on.set()


def test_a_call_raises_what_it_raises() -> None:
    calls = BoundedCalls(at_once=1, seconds=5)

    def fail() -> None:
        raise TimeoutError("its own")

    for _ in range(3):
        with pytest.raises(TimeoutError, match="its own"):
            calls.make(fail)

"""Ctrl-C ends a wait also where the exception that it raises is swallowed by somebody else's code."""

from __future__ import annotations

import contextlib
import signal

import pytest

from gristmill.cli.ctrl_c import CtrlC


def test_a_ctrl_c_that_was_swallowed_is_raised_at_the_next_look() -> None:
    with CtrlC() as ctrl_c:
        ctrl_c.look()
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            ctrl_c.look()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_whoever_ignores_it_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with CtrlC() as ctrl_c:
            signal.raise_signal(signal.SIGINT)
            ctrl_c.look()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)

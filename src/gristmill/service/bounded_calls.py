"""Calls to servers that are not ours, for requests that wait for them: few at once, and none for long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class BoundedCalls:
    """Makes at most ``at_once`` calls at a time. One that takes longer than ``seconds`` is left to its own time-outs.

    Until it ends it still counts, so that a server that hangs takes no more than these threads.
    """

    def __init__(self, *, at_once: int = 8, seconds: float = 30.0) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._at_once = at_once
        self._seconds = seconds

    def make(self, call: Callable[[], T]) -> T:
        """Return or raise what the call does.

        Raises:
            CallRefused: too many are being made, or this one took too long.

        """
        if not self._free.acquire(blocking=False):
            raise CallRefused(f"{self._at_once} connections are being looked at already; try again in a moment.")
        future: Future[T] = Future()
        threading.Thread(target=self._do, args=(call, future), name="gristmill-call", daemon=True).start()
        try:
            return future.result(self._seconds)
        except TimeoutError:
            if future.done():
                raise
            raise CallRefused(f"There was no answer within {self._seconds:g} s.") from None

    def _do(self, call: Callable[[], T], future: Future[T]) -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
            future.set_exception(error)
        finally:
            self._free.release()


class CallRefused(Exception):
    """The call was not made, or its answer is not waited for."""

"""Work that may take long and cannot be interrupted, done beside somebody who listens whether it is still wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")
Look = Callable[[], None]
"""Raises ``Interrupted`` once the work is no longer wanted."""

_LOOK_SECONDS = 0.25
_LEAVE_SECONDS = 2.0


class Interrupted(Exception):
    """The work was no longer wanted."""


def attended(work: Callable[[threading.Event], T], look: Look) -> T:
    """Do the work in a thread of its own, look four times a second, and return or raise what it does.

    Work that is no longer wanted is told by its event, and left alone: what it waits for has a time-out.

    Raises:
        Interrupted: ``look`` said so.

    """
    unwanted = threading.Event()
    future: Future[T] = Future()
    threading.Thread(target=_do, args=(work, unwanted, future), name="gristmill-data", daemon=True).start()
    try:
        while not future.done():
            look()
            wait([future], _LOOK_SECONDS)
    except BaseException:
        unwanted.set()
        wait([future], _LEAVE_SECONDS)
        raise
    return future.result()


def _do(work: Callable[[threading.Event], T], unwanted: threading.Event, future: Future[T]) -> None:
    try:
        future.set_result(work(unwanted))
    except BaseException as error:  # noqa: BLE001 - whoever attends gets it, whatever it is
        future.set_exception(error)

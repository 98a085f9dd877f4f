"""What tests make again and again: users, spaces, logged-in clients; and waiting without sleeping blindly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T], *, within: float, every: float = 0.02) -> T:
    """Call ``check`` until it returns something true, at most ``within`` seconds; return that."""
    deadline = time.monotonic() + within
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{check} did not come true within {within} s; last: {found!r}")
        time.sleep(every)

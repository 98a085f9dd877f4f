"""Cancelling: SIGTERM becomes KeyboardInterrupt while user code runs, and is only remembered while the runner works."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn


class Interruption:
    """Arms SIGTERM for the span of a ``with`` block; belongs to the main thread."""

    def __init__(self) -> None:
        self.requested = False
        self.delivered = False
        self._armed = False
        signal.signal(signal.SIGTERM, self._on_signal)

    def __enter__(self) -> None:
        self._armed = True
        if self.requested:
            self._deliver()

    def __exit__(self, *_: object) -> None:
        self._armed = False

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
        if self._armed:
            self._deliver()

    def _deliver(self) -> NoReturn:
        self.delivered = True
        raise KeyboardInterrupt

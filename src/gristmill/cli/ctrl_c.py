"""Ctrl-C that is not lost: as an exception it can be raised in the middle of somebody's callback, which swallows it."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class CtrlC:
    """Within the block Ctrl-C is raised at once, and raised again by `look` where that came to nothing."""

    def __init__(self) -> None:
        self._pressed = False
        # Only the main thread may say what a signal does; whoever ignores it goes on ignoring it.
        main = threading.current_thread() is threading.main_thread()
        self._heard = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def __enter__(self) -> Self:
        if self._heard:
            signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def look(self) -> None:
        """Raise KeyboardInterrupt if it was pressed."""
        if self._pressed:
            raise KeyboardInterrupt

    def _press(self, _number: int, _frame: FrameType | None) -> None:
        self._pressed = True
        raise KeyboardInterrupt

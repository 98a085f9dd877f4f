"""A loop: a thread that takes a step when it is woken, and at the latest every so many seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger("gristmill.engine")
_AFTER_FAILURE_SECONDS = 1.0


class Loop:
    """Repeats a step until it is stopped. One that raises is logged, told to ``failed`` and tried again."""

    def __init__(
        self,
        name: str,
        step: Callable[[], object],
        *,
        every_seconds: float,
        failed: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._name = name
        self._failed = failed
        self._step = step
        self._every_seconds = every_seconds
        self._bell = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=f"gristmill-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Ask for a step now. Rings during a step ask for one more after it."""
        self._bell.set()

    def stop(self) -> None:
        """Take no further step, and wait for the one that is being taken."""
        self._stopped.set()
        self._bell.set()
        if self._thread.is_alive():
            self._thread.join()

    def _repeat(self) -> None:
        while not self._stopped.is_set():
            self._bell.clear()
            wait_seconds = self._every_seconds
            try:
                self._step()
            except Exception:  # noqa: BLE001 - see above
                # A loop must outlive a database that restarts, whatever that raises.
                _log.exception("loop.failed", extra={"loop": self._name})
                self._failed(self._name)
                wait_seconds = max(wait_seconds, _AFTER_FAILURE_SECONDS)
            self._bell.wait(wait_seconds)

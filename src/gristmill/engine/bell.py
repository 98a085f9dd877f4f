"""The bell of one process: rings in the others after a commit, and wakes this one's engine when they do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack

from gristmill.engine.loop import Loop
from gristmill.service import bell
from gristmill.service.bell import Listener
from gristmill.service.context import Context

_log = logging.getLogger("gristmill.engine")
_LISTEN_SECONDS = 0.5
_LOOK_SECONDS = 5.0
_APART_SECONDS = 0.02


class Bell:
    """Nobody waits for a ring: a thread sends it, one for all that was rung within a few milliseconds.

    A ring that is lost, with its process or its connection, does no harm: engines also poll.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sender = context.new_id()
        self._due = threading.Event()
        self._stopping = threading.Event()
        self._heard: Callable[[], None] | None = None
        self._open = ExitStack()
        self._listener: Listener | None = None
        self._loops: list[Loop] = []

    def start(self, heard: Callable[[], None] | None) -> None:
        """Begin, where there is a database by which others can be reached.

        ``heard`` is called when another process has rung; without it this one only rings.
        """
        self._heard = heard
        if not bell.reaches_others(self._context):
            return
        self._ringing = Loop("bell", self._send, every_seconds=_LOOK_SECONDS)
        self._loops = [self._ringing]
        if self._heard:
            self._loops.append(Loop("listener", self._listen, every_seconds=0.0))
        for loop in self._loops:
            loop.start()

    def ring(self) -> None:
        """Ask for a ring, and return at once."""
        self._due.set()
        if self._loops:
            self._ringing.wake()

    def stop(self) -> None:
        """Ring once more if that was asked for, and end."""
        self._stopping.set()
        for loop in self._loops:
            loop.stop()
        if self._loops:
            self._send_last()
        self._open.close()

    def _send_last(self) -> None:
        try:
            self._send()
        except Exception:  # noqa: BLE001 - a database that is away is no reason not to stop
            _log.exception("bell.not_rung")

    def _send(self) -> None:
        if not self._due.is_set():
            return
        self._due.clear()
        try:
            bell.ring(self._context, self._sender)
        except Exception:
            self._due.set()
            raise
        self._stopping.wait(_APART_SECONDS)

    def _listen(self) -> None:
        assert self._heard
        if self._listener is None:
            self._listener = self._open.enter_context(bell.listen(self._context, self._sender))
            # Whatever rang before could not be heard.
            self._heard()
        try:
            others = self._listener.heard(within_seconds=_LISTEN_SECONDS) - {self._sender}
        except Exception:
            self._listener = None
            self._open.close()
            raise
        if others:
            self._heard()

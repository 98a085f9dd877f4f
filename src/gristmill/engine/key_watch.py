"""Takes over the keys that another process has rotated, while this one is at work."""

from __future__ import annotations

from gristmill.engine.loop import Loop
from gristmill.service.context import Context

_EVERY_SECONDS = 10.0


class KeyWatch:
    """What was made with a key that is not known yet is looked up at once; this is for what is to be made."""

    def __init__(self, context: Context) -> None:
        self._loop = Loop("keys", context.secrets.refresh, every_seconds=_EVERY_SECONDS)

    def start(self) -> None:
        """Begin to look."""
        self._loop.start()

    def stop(self) -> None:
        """Look no more."""
        self._loop.stop()

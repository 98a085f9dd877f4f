"""Says once that a newer version has migrated the database while this process is at work. It goes on."""

from __future__ import annotations

import logging

from gristmill.engine.loop import Loop
from gristmill.service import schemas
from gristmill.service.context import Context

_EVERY_SECONDS = 30.0
_log = logging.getLogger("gristmill.engine")


class SchemaWatch:
    """Migrations only add to what the version before uses, so there is no need to stop, but a reason to be replaced."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._said: str | None = None
        self._loop = Loop("schema", self.step, every_seconds=_EVERY_SECONDS)

    def start(self) -> None:
        """Begin to look."""
        self._loop.start()

    def stop(self) -> None:
        """Look no more."""
        self._loop.stop()

    def step(self) -> None:
        """Look, and say what was not said before."""
        newer = schemas.newer(self._context)
        if newer is not None and newer != self._said:
            _log.warning("schema.newer", extra={"schema": newer, "advice": "replace this server soon"})
        self._said = newer

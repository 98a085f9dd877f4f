"""The rescuer: takes runs away from workers that are gone, and sets right the hints that find the next run."""

from __future__ import annotations

import logging

from gristmill.service import claims
from gristmill.service.context import Context

_log = logging.getLogger("gristmill.engine")
_LANES_AT_ONCE = 200


class Rescuer:
    """Runs on every server; two of them at once do no harm, the fence decides."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._mark = ""

    def step(self) -> int:
        """Rescue what has expired and check the next lanes; return how many runs were rescued."""
        rescued = claims.rescue(self._context)
        if rescued:
            _log.warning("runs.rescued", extra={"count": rescued})
        self._mark, repaired = claims.repair_hints(self._context, after=self._mark, limit=_LANES_AT_ONCE)
        if repaired:
            _log.warning("lanes.repaired", extra={"count": repaired})
        return rescued

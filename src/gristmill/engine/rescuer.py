"""The rescuer: takes runs away from workers that are gone, sets right the hints that find the next run, and counts."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from gristmill.service import claims, rescues, run_counts
from gristmill.service.context import Context

_log = logging.getLogger("gristmill.engine")
_LANES_AT_ONCE = 200
_SHARDS_AT_ONCE = 5_000
_JOBS_AT_ONCE = 50
_COUNTS_EVERY = timedelta(hours=1)


class Rescuer:
    """Runs on every server; several share the work lane by lane, and the fence decides."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._mark = ""
        self._counts_mark = ""
        self._counts_at = datetime.min.replace(tzinfo=UTC)

    def step(self) -> int:
        """Rescue what has expired, check the next lanes and counts; return how many runs were rescued."""
        rescued = rescues.rescue(self._context)
        if rescued:
            _log.warning("runs.rescued", extra={"count": rescued})
        self._mark, repaired = claims.repair_hints(self._context, after=self._mark, limit=_LANES_AT_ONCE)
        if repaired:
            _log.warning("lanes.repaired", extra={"count": repaired})
        self._count()
        return rescued

    def _count(self) -> None:
        run_counts.fold(self._context, limit=_SHARDS_AT_ONCE)
        if self._context.now() < self._counts_at:
            return
        self._counts_mark, repaired = run_counts.repair_some(
            self._context, after=self._counts_mark, limit=_JOBS_AT_ONCE
        )
        if not self._counts_mark:
            self._counts_at = self._context.now() + _COUNTS_EVERY
        if repaired:
            _log.warning("run_counts.repaired", extra={"count": repaired})

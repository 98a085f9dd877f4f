"""The scheduler: turns ticks that have come into runs. Any number of them may run; a tick is decided once."""

from __future__ import annotations

from gristmill.service import schedules
from gristmill.service.context import Context


class Scheduler:
    """Looks at the jobs whose next tick has come, the longest due first."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def step(self) -> int:
        """Decide what is due; return how many jobs had a tick."""
        decided, more = schedules.fire_due(self._context)
        while more:
            further, more = schedules.fire_due(self._context)
            decided += further
        return decided

"""The scheduler: turns ticks that have come into runs. Any number of them may run; a tick is decided once."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from gristmill.domain.zone_clock import forget_zones
from gristmill.service import liveness, schedule_keys, schedules, ticks
from gristmill.service.context import Context

_AT_ONCE = 50
"""Jobs decided together: few enough that nobody waits long for their transaction."""
_BATCHES_AT_ONCE = 2
_LOOK_AHEAD_EVERY = timedelta(minutes=1)
_BEATS_EVERY = timedelta(seconds=10)
_CORRECT_EVERY = timedelta(minutes=10)
_CORRECTED_AT_ONCE = 200


class Scheduler:
    """Looks at the jobs whose next tick has come, the longest due first, and at those whose tick would be refused."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._looks_ahead_at: datetime | None = None
        self._corrects_at: datetime | None = None
        self._mark = ""
        self._beats_at: datetime | None = None

    def step(self) -> int:
        """Decide what is due; return how many jobs had a tick."""
        decided, listed = 0, ticks.waiting(self._context)
        while listed:
            decided += self._decide([job_id for _, job_id in listed])
            full = len(listed) == ticks.MOST_LISTED
            listed = ticks.waiting(self._context, after=listed[-1]) if full else []
        self._look_ahead()
        self._correct()
        self._beat()
        return decided

    def _decide(self, job_ids: Sequence[str]) -> int:
        """Decide batch by batch. Where another scheduler is at the same jobs, go on somewhere else among them."""
        batches = deque(job_ids[start : start + _AT_ONCE] for start in range(0, len(job_ids), _AT_ONCE))
        if len(batches) == 1 or self._context.database.dialect == "sqlite":
            return self._decide_batches(batches)
        # While PostgreSQL writes one batch, the next is worked out. SQLite has one writer.
        with ThreadPoolExecutor(_BATCHES_AT_ONCE, thread_name_prefix="gristmill-ticks") as pool:
            return sum(pool.map(self._decide_batches, [batches] * _BATCHES_AT_ONCE))

    def _decide_batches(self, batches: deque[Sequence[str]]) -> int:
        jobs = 0
        while batch := _next(batches):
            found = ticks.decide(self._context, batch)
            jobs += found.jobs
            if found.met:
                batches.rotate(-random.randrange(1 + len(batches)))
        return jobs

    def _look_ahead(self) -> None:
        now = self._context.now()
        if self._looks_ahead_at is None or now >= self._looks_ahead_at:
            self._looks_ahead_at = now + _LOOK_AHEAD_EVERY
            schedule_keys.look_ahead(self._context)

    def _beat(self) -> None:
        """Tell that ticks are being decided, after they were: a scheduler that hangs is not alive."""
        now = self._context.now()
        if self._beats_at is None or now >= self._beats_at:
            self._beats_at = now + _BEATS_EVERY
            liveness.scheduler_beat(self._context)

    def _correct(self) -> None:
        """Go round all schedules, some at a time, with the time zone data as it is now: it may have been updated."""
        now = self._context.now()
        if not self._mark:
            if self._corrects_at is not None and now < self._corrects_at:
                return
            self._corrects_at = now + _CORRECT_EVERY
            forget_zones()
        self._mark, _ = schedules.correct_some(self._context, after=self._mark, limit=_CORRECTED_AT_ONCE)


def _next(batches: deque[Sequence[str]]) -> Sequence[str] | None:
    """Take the next batch, also while another thread does."""
    try:
        return batches.popleft()
    except IndexError:
        return None

"""The janitor: removes runs whose retention is over, what was deleted, old events and keys, and loose bytes."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gristmill.service import key_rotation, purge, retention
from gristmill.service.context import Context
from gristmill.service.retention import Went

BUSY = 500
"""A step that did as much as this has probably left something for the next one."""
_RUNS_A_STEP = 2_000
_KEYS_A_STEP = 500
_WALK_EVERY = timedelta(hours=1)
_DRAFT_SECONDS = _ORPHAN_SECONDS = 24 * 3600.0
"""Nothing takes so long between its first byte, or its last one, and the transaction that refers to it."""
_log = logging.getLogger("gristmill.engine")


class Janitor:
    """Works in bounded batches; a crash between any two lines leaves the rest for the next step.

    Any number of them may be at work on one database. Where each of them is among the jobs and among the files is
    kept in memory only: a new one begins from the start.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._mark = ""
        self._cut: deque[str] = deque()
        self._walk_at = datetime.min.replace(tzinfo=UTC)
        self._walk: Iterator[str] = iter(())
        self._walking = False

    def step(self) -> int:
        """Do a batch of each; return how much was done."""
        return sum(one.runs for one in self._retain()) + self._tidy()

    def rounds(self) -> Iterator[Went]:
        """Do all that there is to do; yield what goes by retention while it goes."""
        busy = True
        while busy or self._walking:
            busy = False
            while True:
                yield from (went := self._retain())
                busy = busy or bool(went)
                if not self._mark:
                    break
            busy = self._tidy() > 0 or busy

    def _retain(self) -> tuple[Went, ...]:
        """Visit the next jobs, and go on with one of which more is to go than has its turn at once."""
        context = self._context
        self._mark, visited = retention.visit(context, after=self._mark, at_most=_RUNS_A_STEP)
        resumed = retention.resume(context, self._cut.popleft(), at_most=_RUNS_A_STEP) if self._cut else None
        went = (*visited, *([resumed] if resumed else []))
        self._cut.extend(one.job_id for one in went if one.cut and one.job_id not in self._cut)
        went = (*went, *retention.expire(context))
        if went:
            _log.info("runs.retired", extra={"count": sum(one.runs for one in went), "jobs": len(went)})
        return went

    def _tidy(self) -> int:
        context = self._context
        self._sweep()
        return (
            purge.deleted_deployments(context)
            + purge.deleted_jobs(context)
            + purge.deleted_spaces(context)
            + retention.forget_events(context)
            + purge.loose_contents(context)
            + key_rotation.tidy(context)
        )

    def _sweep(self) -> None:
        """Look at the next files of the walk; begin a new one when it is time."""
        context = self._context
        if context.now() >= self._walk_at:
            self._walk_at = context.now() + _WALK_EVERY
            self._walk = context.content.keys(older_than_seconds=_ORPHAN_SECONDS)
            self._walking = True
            # Last: a bucket whose keys may not list uploads is walked all the same.
            context.content.discard_drafts(older_than_seconds=_DRAFT_SECONDS)
        if self._walking:
            looked, noted = purge.orphans(context, self._walk, limit=_KEYS_A_STEP)
            self._walking = looked > 0
            if noted:
                _log.warning("contents.orphaned", extra={"count": noted})

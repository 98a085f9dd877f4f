"""Metrics: what of the committed changes is counted, and the figures that are read when somebody asks."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from gristmill.domain.run import FINAL, RunEvent, RunMoved, RunState
from gristmill.domain.user import Actor
from gristmill.service.access import administrators_only
from gristmill.service.context import Context
from gristmill.store import metrics as store
from gristmill.store.database import Connection
from gristmill.telemetry import metrics
from gristmill.telemetry.meters import Meters
from gristmill.telemetry.metrics import Figure

_CONTENT_SECONDS = 60.0
_DEAR_SECONDS = 0.2
_SHARE = 20
_GIVEN_UP = frozenset({RunEvent.RETURNED, RunEvent.LOST})
_log = logging.getLogger("gristmill.metrics")


def metered(context: Context) -> Context:
    """Return the context, whose meters count what is committed in it and read the installation's figures."""
    context.meters.read_also(_Reader(context).read)
    return replace(context, database=context.database.telling(partial(_count, context.meters)))


def exposed(context: Context, actor: Actor, accept: str | None) -> tuple[bytes, str]:
    """Return all metrics as Prometheus reads them, and their media type.

    Raises:
        Forbidden: the actor is no administrator.

    """
    administrators_only(actor)
    return context.meters.exposed(accept)


def _count(meters: Meters, fact: object) -> None:
    if not isinstance(fact, RunMoved):
        return
    lasted_seconds = (fact.at - fact.before_at).total_seconds()
    if fact.event is RunEvent.CLAIMED:
        meters.observe(metrics.RUN_WAIT, lasted_seconds)
    elif fact.event is RunEvent.STARTED:
        meters.observe(metrics.RUN_START, lasted_seconds)
    elif fact.event in _GIVEN_UP:
        meters.count(metrics.ATTEMPTS_LOST, str(fact.event))
    if fact.state in FINAL:
        _count_end(meters, fact)


def _count_end(meters: Meters, fact: RunMoved) -> None:
    meters.count(metrics.RUNS_ENDED, fact.kind, str(fact.state))
    if fact.started_at:
        seconds = (fact.at - fact.started_at).total_seconds()
        meters.observe(metrics.RUN_DURATION, seconds, fact.kind, str(fact.state))
    if fact.state is RunState.FAILED:
        meters.count(metrics.RUN_FAILURES, fact.cause_code or "unknown")
    for outcome in ("scored", "rejected", "not_attempted"):
        meters.count(metrics.ROWS, outcome, by=fact.rows.get(outcome, 0))
    meters.count(metrics.ROWS_RESUMED, by=fact.rows.get("resumed", 0))


class _Reader:
    """Reads the figures; those that cost more are kept for a while."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._of_content = Kept(lambda: self._read(store.of_content), least_seconds=_CONTENT_SECONDS)
        self._of_lanes = Kept(lambda: self._read(partial(store.of_lanes, now=context.now())))

    def read(self) -> Iterator[Figure]:
        """Yield the figures; those of the database only while it answers."""
        disk = shutil.disk_usage(self._context.data_dir)
        yield Figure(metrics.DISK_BYTES, disk.total, ("total",))
        yield Figure(metrics.DISK_BYTES, disk.free, ("free",))
        try:
            found = self._read(partial(store.figures, now=self._context.now()))
            found += [*self._of_lanes.figures(), *self._of_content.figures()]
        except Exception:  # noqa: BLE001 - that the database does not answer is what somebody wants to be told
            _log.exception("metrics.no_database")
            found = []
        yield Figure(metrics.DATABASE_UP, float(bool(found)))
        yield from found

    def _read(self, read: Callable[[Connection], Iterator[Figure]]) -> list[Figure]:
        with self._context.database.snapshot() as connection:
            return list(read(connection))


class Kept:
    """Figures that are read anew when they are ``least_seconds`` old, and ever more seldom as that takes longer.

    Who scrapes often, or a queue of a million lanes, so costs the database no more than a twentieth of its time.
    """

    def __init__(
        self,
        read: Callable[[], list[Figure]],
        *,
        least_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._least_seconds = least_seconds
        self._clock = clock
        self._found: list[Figure] = []
        self._until: float | None = None

    def figures(self) -> list[Figure]:
        """Return the figures as they are, or as they were a moment ago."""
        began = self._clock()
        if self._until is None or began >= self._until:
            self._found = self._read()
            ended = self._clock()
            lasted = ended - began
            self._until = ended + max(self._least_seconds, lasted * _SHARE if lasted >= _DEAR_SECONDS else 0.0)
        return self._found

"""The engine of one server: its loops, started and stopped together."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from gristmill.domain.capacity import Capacity
from gristmill.engine.execution import Execution
from gristmill.engine.janitor import BUSY, Janitor
from gristmill.engine.loop import Loop
from gristmill.engine.notifier import Notifier
from gristmill.engine.rescuer import Rescuer
from gristmill.engine.salvage import Salvage
from gristmill.engine.scheduler import Scheduler
from gristmill.engine.worker import Worker
from gristmill.launch.launcher import Launcher
from gristmill.service import workers
from gristmill.service.claims import Assignment
from gristmill.service.context import Context
from gristmill.service.environments import Environments
from gristmill.telemetry import metrics

_log = logging.getLogger("gristmill.engine")
POLL_SECONDS = 0.25
_PULSE_SECONDS = 0.5
_RESCUE_SECONDS = 2.0
_TIDY_SECONDS = 2.0
_SCHEDULE_SECONDS = 0.5
_HEARTBEAT_SECONDS = 10.0
_NOTIFY_SECONDS = 1.0
_CLEAR_SECONDS = 3600.0
_SALVAGE_SECONDS = 3.0


class Engine:
    """Claims and runs what is queued.

    Use cases of the same process call ``ring``, and a bell that hears others ``wake``; what neither tells is found by
    polling, every ``poll_seconds``. ``context.wake`` is how the engine tells other processes. What ``offers_now``
    returns takes the place of ``offers`` when it changes.
    """

    def __init__(
        self,
        context: Context,
        launcher: Launcher,
        environments: Environments,
        *,
        slots: int,
        lease_seconds: float,
        grace_seconds: float,
        disk_bytes: int | None = None,
        least_free_bytes: int = 0,
        offers: Capacity | None = None,
        offers_now: Callable[[], Capacity] | None = None,
        labels: Sequence[str] = (),
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._tell_others = context.wake
        # Whatever the engine itself ends may free a lane: it rings its own bell.
        self._context = replace(context, wake=self.ring)
        self._launcher = launcher
        self._environments = environments
        self._slots = slots
        self._lease = timedelta(seconds=lease_seconds)
        self._grace_seconds = grace_seconds
        self._disk_bytes, self._least_free_bytes = disk_bytes, least_free_bytes
        self._offers, self._offers_now = offers, offers_now
        self._labels = labels
        self._poll_seconds = poll_seconds
        self._loops: list[Loop] = []

    def start(self) -> None:
        """Register as a worker and begin; what a dead worker of this data directory left on disk is salvaged."""
        host = socket.gethostname()
        self._worker_id = workers.register(
            self._context,
            host=host,
            pid=os.getpid(),
            slots=self._slots,
            offers=self._offers,
            labels=self._labels,
            environments=self._environments.offered(),
        )
        self._worker = Worker(
            self._context,
            self._worker_id,
            self._execute,
            slots=self._slots,
            lease=self._lease,
            offers=self._offers,
            labels=self._labels,
            least_free_bytes=self._least_free_bytes,
        )
        rescuer, self._janitor = Rescuer(self._context), Janitor(self._context)
        self._claiming = self._loop("worker", self._worker.step, every_seconds=self._poll_seconds)
        self._pulse = self._loop("pulse", self._worker.pulse, every_seconds=_PULSE_SECONDS)
        self._tidying = self._loop("janitor", self._tidy, every_seconds=_TIDY_SECONDS)
        self._rescuing = self._loop("rescuer", rescuer.step, every_seconds=_RESCUE_SECONDS)
        scheduler = Scheduler(self._context)
        self._scheduling = self._loop("scheduler", scheduler.step, every_seconds=_SCHEDULE_SECONDS)
        self._notifier = Notifier(self._context, ring=self._wake_notifier)
        self._notifying = self._loop("notifier", self._notifier.step, every_seconds=_NOTIFY_SECONDS)
        self._heartbeat = self._loop("heartbeat", self._say_alive, every_seconds=_HEARTBEAT_SECONDS)
        self._loops = [self._claiming, self._pulse, self._rescuing, self._tidying, self._scheduling]
        clearing = self._loop("environments", self._environments.remove_unused, every_seconds=_CLEAR_SECONDS)
        salvaging = self._loop("salvage", Salvage(self._context).step, every_seconds=_SALVAGE_SECONDS)
        measuring = self._loop("capacity", self._measure, every_seconds=_HEARTBEAT_SECONDS)
        self._loops += [self._notifying, self._heartbeat, clearing, salvaging, measuring]
        for loop in self._loops:
            loop.start()
        _log.info("engine.started", extra={"worker": self._worker_id, "slots": self._slots})

    def wake(self) -> None:
        """Look for runs now."""
        if self._loops:
            self._claiming.wake()

    def ring(self) -> None:
        """Look for runs now, and have the other processes look."""
        self.wake()
        self._tell_others()

    def stop(self) -> None:
        """Claim nothing more, finish what is at work within the grace period, hand the rest back, end every child."""
        if not self._loops:
            return
        self._claiming.stop()
        self._worker.stop(self._grace_seconds)
        for loop in self._loops:
            loop.stop()
        self._notifier.stop(self._grace_seconds)
        self._launcher.close()
        workers.leave(self._context, self._worker_id)
        _log.info("engine.stopped", extra={"worker": self._worker_id})

    def _execute(self, assignment: Assignment) -> Execution:
        return Execution(self._context, self._launcher, assignment, self._environments, disk_bytes=self._disk_bytes)

    def _loop(self, name: str, step: Callable[[], object], *, every_seconds: float) -> Loop:
        return Loop(name, step, every_seconds=every_seconds, failed=self._count_failure)

    def _count_failure(self, loop: str) -> None:
        self._context.meters.count(metrics.LOOP_FAILURES, loop)

    def _tidy(self) -> None:
        if self._janitor.step() >= BUSY:
            self._tidying.wake()

    def _wake_notifier(self) -> None:
        self._notifying.wake()

    def _say_alive(self) -> None:
        workers.seen(self._context, self._worker_id, offers=self._offers)

    def _measure(self) -> None:
        """See what there is to offer by now, where that changes."""
        if self._offers_now is None:
            return
        offers = self._offers_now()
        if offers != self._offers:
            self._offers = offers
            self._worker.offer(offers)
            self._heartbeat.wake()
            self._claiming.wake()

"""The worker: claims runs while it has free slots, gives each to an execution, and keeps their leases alive."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from gristmill.domain.capacity import Capacity
from gristmill.domain.run import RunState
from gristmill.engine import free_disk
from gristmill.service import claims
from gristmill.service.claims import Assignment, Claim, HeldKey, Room
from gristmill.service.context import Context

_log = logging.getLogger("gristmill.engine")
_MOST_AT_ONCE = 16
"""Claims of one transaction; on PostgreSQL their lanes are locked until its end."""


class Execution(Protocol):
    """One run at work; see `execution.py`."""

    def run(self) -> None:
        """Do the run from staging in to its final state."""

    def cancel(self) -> None:
        """Somebody wants it canceled."""

    def abandon(self) -> None:
        """It is no longer this worker's: stop, and say nothing."""

    def hand_back(self) -> None:
        """The worker stops: end the child and give the run back."""


class Worker:
    """Holds at most ``slots`` runs, which reserve no more than ``offers`` (None: whatever they like).

    It claims nothing while the disk of the data directory has less than ``least_free_bytes``.
    They are done on threads of its own, or of the ``pool`` that is given.
    ``step`` claims, ``pulse`` renews; both may be called from any one thread each.
    """

    def __init__(
        self,
        context: Context,
        worker_id: str,
        execute: Callable[[Assignment], Execution],
        *,
        slots: int,
        lease: timedelta,
        offers: Capacity | None = None,
        labels: Iterable[str] = (),
        least_free_bytes: int = 0,
        pool: Executor | None = None,
    ) -> None:
        self._context = context
        self._worker_id = worker_id
        self._execute = execute
        self._slots = slots
        self._lease = lease
        self._offers = offers
        self._labels = frozenset(labels)
        self._least_free_bytes = least_free_bytes
        self._has_disk = True
        self._held: dict[tuple[str, int], Execution] = {}
        self._reserved: dict[tuple[str, int], Capacity] = {}
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._pool = pool or ThreadPoolExecutor(max_workers=slots, thread_name_prefix="gristmill-run")
        self._stopping = False
        self._renew_at = datetime.min.replace(tzinfo=UTC)

    @property
    def idle(self) -> bool:
        """Whether no run is held."""
        with self._lock:
            return not self._held

    def step(self) -> int:
        """Claim and begin runs until no slot or disk is free or none can start; return how many."""
        begun = 0
        while (most := min(self._free_slots(), _MOST_AT_ONCE)) > 0 and self._finds_disk():
            taken = claims.take_some(self._context, self._worker_id, lease=self._lease, room=self._room(), most=most)
            for assignment in taken:
                self._begin(assignment)
            begun += len(taken)
            if len(taken) < most:
                break
        return begun

    def pulse(self) -> None:
        """Renew the leases; cancel what is to be canceled and abandon what is no longer held."""
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        live = {(claim.run_id, claim.fence): claim.state for claim in self._look(held.keys())}
        for key, execution in held.items():
            match live.get(key):
                case None:
                    execution.abandon()
                case RunState.CANCELING:
                    execution.cancel()
                case _:
                    pass

    def offer(self, offers: Capacity) -> None:
        """Offer so much from now on; runs at work keep what they have."""
        self._offers = offers

    def stop(self, grace_seconds: float) -> None:
        """Claim nothing more, let runs finish within the grace period, hand the rest back."""
        self._stopping = True
        with self._idle:
            self._idle.wait_for(lambda: not self._held, timeout=grace_seconds)
            left = list(self._held.values())
        for execution in left:
            execution.hand_back()
        self._pool.shutdown(wait=True)

    def _look(self, held: Collection[HeldKey]) -> list[Claim]:
        """Look often, because a cancel should be felt at once; write only when a third of the lease is over."""
        now = self._context.now()
        # It lies farther ahead only where the clock was set back.
        if now < self._renew_at <= now + self._lease / 3:
            return claims.held(self._context, self._worker_id)
        found = claims.renew(self._context, self._worker_id, only=held, lease=self._lease)
        # Only now: what failed is tried again with the next pulse.
        self._renew_at = now + self._lease / 3
        return found

    def _free_slots(self) -> int:
        with self._lock:
            return 0 if self._stopping else self._slots - len(self._held)

    def _finds_disk(self) -> bool:
        """Tell whether a run would have room: on a full disk each would fail at once, and soon all that wait."""
        left = free_disk.left_bytes(self._context.data_dir)
        had, self._has_disk = self._has_disk, left >= self._least_free_bytes
        if had and not self._has_disk:
            _log.warning("worker.no_disk", extra={"left_bytes": left, "least_free_bytes": self._least_free_bytes})
        return self._has_disk

    def _room(self) -> Room | None:
        if self._offers is None:
            return None
        with self._lock:
            left = self._offers.without(self._reserved.values())
        return Room(offered=self._offers, left=left, labels=self._labels)

    def _begin(self, assignment: Assignment) -> None:
        assignment = _within(assignment, self._offers)
        execution = self._execute(assignment)
        key = (assignment.run.id, assignment.run.fence)
        with self._lock:
            self._held[key] = execution
            self._reserved[key] = assignment.needs
        self._pool.submit(self._work, key, execution)

    def _work(self, key: tuple[str, int], execution: Execution) -> None:
        try:
            execution.run()
        except Exception:  # noqa: BLE001 - logged, and decided elsewhere
            # The run stays claimed until its lease ends; the rescuer decides then.
            _log.exception("execution.broken", extra={"run": key[0]})
        finally:
            with self._idle:
                del self._held[key]
                del self._reserved[key]
                self._idle.notify_all()
            self._context.wake()


def _within(assignment: Assignment, offers: Capacity | None) -> Assignment:
    """Give a run that asks for more than this worker has all that it has, and say so."""
    needs = assignment.needs
    if offers is None or needs.fits(offers):
        return assignment
    spec, has = assignment.spec, needs.within(offers)
    name = spec.hardware.get("name") or "Its hardware specification"
    return replace(
        assignment,
        spec=replace(
            spec,
            cpus=None if spec.cpus is None else has.millicores / 1000,
            memory_limit_bytes=None if spec.memory_limit_bytes is None else has.memory_bytes,
        ),
        capped=f"{name} asks for {needs}, more than any worker offers: the run has {has}, all of this one.",
    )

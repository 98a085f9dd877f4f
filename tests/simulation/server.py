"""A server: the real loops over one database, each step of them taken when the simulation says so."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from gristmill.domain.delivery import Delivery
from gristmill.engine.janitor import Janitor
from gristmill.engine.notifier import AT_ONCE
from gristmill.engine.rescuer import Rescuer
from gristmill.engine.scheduler import Scheduler
from gristmill.engine.worker import Worker
from gristmill.service import deliveries, events, workers
from gristmill.service.context import Context
from tests.simulation.clock import START, ServerClock
from tests.simulation.database import FaultyDatabase
from tests.simulation.execution import SteppedExecution, Steps

LEASE = timedelta(seconds=30)
SLOTS = 3


def uuids(seed: int) -> Callable[[], uuid.UUID]:
    """Return what makes ids of a seed."""
    bits = Random(f"ids of {seed}")
    return lambda: uuid.UUID(int=bits.getrandbits(128), version=4)


class Deliverer:
    """What `engine/notifier.py` does, with a list in place of its threads."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.taken: list[Delivery] = []

    def route(self) -> int:
        """Sound alarms, and route events."""
        done = 0
        while sounded := events.sound_alarms(self._context):
            done += sounded
        while routed := events.route(self._context):
            done += routed
        return done

    def take(self) -> int:
        """Take up what is due."""
        free = AT_ONCE - len(self.taken)
        if not free or not deliveries.any_due(self._context):
            return 0
        at_work = Counter(delivery.sink for delivery in self.taken)
        found = deliveries.take(self._context, free=free, at_work=at_work)
        self.taken += found
        return len(found)

    def send(self, delivery: Delivery) -> None:
        """Make one attempt."""
        try:
            deliveries.send(self._context, delivery)
        finally:
            self.taken.remove(delivery)


class Process:
    """What a server has in memory, and loses when it dies."""

    def __init__(self, context: Context, dice: Random) -> None:
        self.worker_id = workers.register(context, host="host", pid=1, slots=SLOTS)
        self.pool = Steps()
        self.worker = Worker(
            context,
            self.worker_id,
            lambda assignment: SteppedExecution(context, assignment, dice),
            slots=SLOTS,
            lease=LEASE,
            pool=self.pool,
        )
        self.scheduler, self.rescuer, self.janitor = Scheduler(context), Rescuer(context), Janitor(context)
        self.deliverer = Deliverer(context)

    def holds(self) -> set[tuple[str, int]]:
        """Return run and fence of every execution."""
        runs = [task.execution.assignment.run for task in self.pool.tasks]
        return {(run.id, run.fence) for run in runs}


@dataclass
class Server:
    """A name, a clock and a database, whichever process is up; a ``halted`` one takes no step until it is resumed.

    ``pulsed_at`` is the true time at which its worker's last pulse began that went well.
    """

    name: str
    database: FaultyDatabase
    clock: ServerClock
    context: Context
    dice: Random
    process: Process | None = None
    halted: bool = False
    births: int = 0
    pulsed_at: datetime = field(default=START)

    @property
    def acts(self) -> bool:
        return self.process is not None and not self.halted

    def start(self) -> None:
        self.process, self.halted = Process(self.context, self.dice), False
        self.births += 1
        self.pulsed_at = self.clock.time.now

    def kill(self) -> None:
        self.process, self.halted = None, False
        self.births += 1

    def stop(self) -> None:
        """End in good order: hand back what is at work."""
        assert self.process
        process = self.process
        try:
            process.worker.stop(0)
            workers.leave(self.context, process.worker_id)
        finally:
            self.kill()

    def pulse(self) -> None:
        assert self.process
        begun = self.clock.time.now
        self.process.worker.pulse()
        self.pulsed_at = begun

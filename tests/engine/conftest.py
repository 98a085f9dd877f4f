"""A shop to work in, and an engine's parts over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from gristmill.engine.execution import Execution
from gristmill.engine.janitor import Janitor
from gristmill.engine.rescuer import Rescuer
from gristmill.engine.worker import Worker
from gristmill.service import metrics
from gristmill.service.context import Context
from tests.make import eventually
from tests.make_work import ScriptedLauncher, Shop, open_shop

LEASE = timedelta(seconds=30)


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def advance(self, **duration: float) -> None:
        """Move on."""
        self.now += timedelta(**duration)


@dataclass
class Works:
    """A shop and the loops that serve it."""

    shop: Shop
    clock: Clock
    launcher: ScriptedLauncher
    rescuer: Rescuer
    janitor: Janitor
    new_worker: Callable[[], Worker]

    def until_idle(self, worker: Worker) -> None:
        """Wait for the worker's executions to end."""
        eventually(lambda: worker.idle, within=10)


@pytest.fixture
def works(context: Context) -> Iterator[Works]:
    """Return the parts of an engine; every worker that a test makes is stopped at its end."""
    clock = Clock()
    context = metrics.metered(replace(context, clock=clock))
    launcher = ScriptedLauncher()
    made: list[Worker] = []

    def new_worker() -> Worker:
        made.append(Worker(context, context.new_id(), lambda a: Execution(context, launcher, a), slots=4, lease=LEASE))
        return made[-1]

    yield Works(open_shop(context), clock, launcher, Rescuer(context), Janitor(context), new_worker)
    launcher.gate.set()
    for worker in made:
        worker.stop(5)

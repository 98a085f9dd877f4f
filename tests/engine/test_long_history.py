"""S1, S5: what is done again and again, and what a start does, read no more where ten times the past is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gristmill.domain.event import Event, EventKind
from gristmill.domain.job import Job
from gristmill.domain.run import RunEvent, RunState
from gristmill.engine.notifier import Notifier
from gristmill.engine.scheduler import Scheduler
from gristmill.service import claims, inbox, runs, users, workers
from gristmill.service.claims import Outcome
from gristmill.store import events
from gristmill.store.migrate import migrate
from tests.engine.conftest import LEASE, Works
from tests.engine.ended_runs import end_many, make_job, queue_run
from tests.engine.test_scheduler import schedule_job
from tests.make_reads import Reads
from tests.people import ADMIN_API_KEY

pytestmark = pytest.mark.new_database
SHORT, LONG = 100, 1_000
SLACK = {"sqlite": 500, "postgresql": 80}
Step = Callable[[], object]


class Past:
    """A space with a job of many runs, one of few, and one that is scheduled."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self.job_id, self._small = make_job(works), make_job(works)
        end_many(works, self._small, 5)
        self._deployment_id = self._deployed()
        self._scheduled: Job = schedule_job(works)
        self._scheduler = Scheduler(works.shop.context)
        self._mark: str | None = None

    def grow(self, number: int) -> None:
        """Add so many runs that ended, with an event each."""
        works, job_id = self._works, self.job_id
        made = end_many(works, job_id, number)
        with works.shop.context.database.transaction() as connection:
            told = [self._told(run_id) for run_id in made]
            events.record(connection, told)
            events.mark_routed(connection, told, works.clock.now)
            if works.shop.context.database.dialect == "postgresql":
                connection.exec_driver_sql("ANALYZE")
        self._mark = self._runs().next

    def _deployed(self) -> str:
        shop = self._works.shop
        deployment = shop.deploy()
        run = shop.submit(deployment).run
        runs.cancel(shop.context, shop.actor, shop.space_id, run.deployment_job_id, delete=False)
        return deployment.id

    def _told(self, run_id: str) -> Event:
        works = self._works
        return Event(
            subject=f"run/{run_id}/9",
            kind=EventKind.CANCELED,
            space_id=works.shop.space_id,
            job_id=self.job_id,
            run_id=run_id,
            at=works.clock.now,
        )

    def daily(self) -> dict[str, Step]:
        """Return what is done again and again."""
        small, deployment_id = self._small, self._deployment_id
        return {
            "runs": self._runs,
            "next page": lambda: self._runs(start=self._mark),
            "runs in a state that none is in": lambda: self._runs(states=[RunState.FAILED]),
            "runs of a large job": lambda: self._runs(job_id=self.job_id),
            "runs of a small job": lambda: self._runs(job_id=small),
            # Nobody asks how many those are.
            "runs of a deployment": lambda: self._runs(deployment_id=deployment_id, count=False),
            "inbox": lambda: inbox.page(self._works.shop.context, self._works.shop.actor, limit=20),
            "one run from queue to end": self._one_run,
            "a tick": self._tick,
            "nothing due": lambda: self._scheduler.step(),
            "rescuer": self._works.rescuer.step,
            "notifier": self._notify,
        }

    def start(self) -> None:
        """Do what a server does before it is up, and a second one over the same database."""
        context = self._works.shop.context
        migrate(context.database)
        users.bootstrap(context, ADMIN_API_KEY)
        workers.register(context, host="h", pid=1, slots=4)

    def _runs(self, **filters: Any) -> Any:
        shop = self._works.shop
        return runs.page(shop.context, shop.actor, shop.space_id, limit=20, **{"count": True, **filters})

    def _one_run(self) -> None:
        context = self._works.shop.context
        with context.database.transaction() as connection:
            queued = queue_run(connection, self._works, self.job_id, self._works.clock.now)
        held = claims.take(context, "worker", lease=LEASE)
        assert held
        assert held.run.id == queued.id
        claims.started(context, held)
        claims.finish(context, held, Outcome(event=RunEvent.SUCCEEDED))

    def _tick(self) -> None:
        shop = self._works.shop
        self._works.clock.advance(hours=1)
        assert self._scheduler.step() == 1
        (run,) = runs.page(shop.context, shop.actor, shop.space_id, limit=1, job_id=self._scheduled.id).items
        runs.cancel_of_job(shop.context, shop.actor, self._scheduled.id, run.id)

    def _notify(self) -> None:
        notifier = Notifier(self._works.shop.context)
        notifier.step()
        notifier.stop(10)


def test_s1_s5_lists_queue_ticks_and_a_start_read_no_more_of_a_longer_past(works: Works) -> None:
    past = Past(works)
    dialect = works.shop.context.database.dialect
    steps = {**past.daily(), "start": past.start}
    reads = Reads(works.shop.context.database.engine)
    past.grow(SHORT)
    short = measured(steps, reads)
    past.grow(LONG - SHORT)
    long = measured(steps, reads)
    # As many as a page has are neither here nor there.
    more = {name: (short[name], long[name]) for name in steps if long[name] > 2 * short[name] + SLACK[dialect]}
    assert more == {}


def measured(steps: dict[str, Step], reads: Reads) -> dict[str, int]:
    """Return what each step reads the second time; the first one may have something to catch up on."""
    found = {}
    for name, step in steps.items():
        step()
        before = reads.count
        step()
        found[name] = reads.count - before
    return found

"""What can happen to a run of a job that is watched, each with what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from gristmill.domain.event import EventKind
from gristmill.domain.notification import Notification
from gristmill.domain.run import RunState
from gristmill.domain.schedule import MissedPolicy, OverlapPolicy
from gristmill.domain.schedule_wire import of_wire
from gristmill.engine.scheduler import Scheduler
from gristmill.launch.launcher import Ending
from gristmill.service import claims, jobs, runs
from gristmill_runner import protocol
from tests.engine.conftest import LEASE
from tests.engine.test_rows import job_of_model, rejecting
from tests.engine.told.watched import (
    _K,
    Watched,
    ends,
)
from tests.make import eventually
from tests.make_work import COMPLETED


def rows_rejected(watched: Watched) -> None:
    """A model's run completes without some of its rows; only models reject any."""
    wanted = Notification.of(watched.job.notification)
    watched.job = job_of_model(
        watched.works,
        name=watched.job.name,
        notification=asdict(wanted),
        configuration={"error_threshold": "1 %"},
    )
    watched.works.launcher.script = rejecting(3)
    watched.start()
    watched.work()


def timed_out(watched: Watched) -> None:
    watched.start(timeout_seconds=1)
    worker = watched.works.new_worker()
    worker.step()
    watched.works.until_idle(worker)


def canceled_while_it_works(watched: Watched) -> None:
    run, works = watched.start(), watched.works
    worker = works.new_worker()
    worker.step()
    eventually(lambda: works.launcher.children, within=5)
    runs.cancel_of_job(works.shop.context, works.shop.actor, watched.job.id, run.id)
    worker.pulse()
    works.until_idle(worker)


def canceled_while_it_waits(watched: Watched) -> None:
    shop = watched.works.shop
    runs.cancel_of_job(shop.context, shop.actor, watched.job.id, watched.start().id)


def lease_lost(watched: Watched) -> None:
    """The worker was silent for too long, and then comes back with a result."""
    watched.start()
    works = watched.works
    late = works.new_worker()
    late.step()
    eventually(lambda: watched.run().state is RunState.RUNNING, within=5)
    works.clock.advance(seconds=31)
    assert works.rescuer.step() == 1
    works.launcher.gate.set()
    works.until_idle(late)


def worker_stopped(watched: Watched) -> None:
    watched.start()
    worker = watched.works.new_worker()
    worker.step()
    eventually(lambda: watched.run().state is RunState.RUNNING, within=5)
    worker.stop(0)


def server_killed(watched: Watched) -> None:
    """Nothing is left of the process: it never says a word again."""
    context = watched.works.shop.context
    watched.start()
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    claims.started(context, assignment)
    watched.works.clock.advance(seconds=31)
    assert watched.works.rescuer.step() == 1


def never_started(watched: Watched) -> None:
    watched.start()
    watched.works.clock.advance(minutes=5)


def takes_long(watched: Watched) -> None:
    context = watched.works.shop.context
    watched.start()
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    claims.started(context, assignment)
    watched.works.clock.advance(minutes=30)


def skipped_by_overlap(watched: Watched) -> None:
    scheduler = Scheduler(watched.works.shop.context)
    _set_schedule(watched, overlap=OverlapPolicy.SKIP)
    for _ in range(2):
        watched.works.clock.advance(minutes=1)
        scheduler.step()


def missed(watched: Watched) -> None:
    _set_schedule(watched, "0 * * * *", missed=MissedPolicy.NONE)
    watched.works.clock.advance(hours=1, minutes=30)
    Scheduler(watched.works.shop.context).step()


def refused(watched: Watched) -> None:
    shop = watched.works.shop
    _set_schedule(watched)
    with shop.context.database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM task_credentials")
    watched.works.clock.advance(minutes=1)
    Scheduler(shop.context).step()


def _set_schedule(watched: Watched, cron: str = "* * * * *", **policies: Any) -> None:
    shop = watched.works.shop
    schedule = of_wire(cron, {})
    assert schedule
    jobs.change(shop.context, shop.actor, watched.job.id, {"schedule": replace(schedule, **policies)})


FAULTS: dict[str, tuple[Callable[[Watched], None], EventKind]] = {
    "exception": (
        ends({**COMPLETED, "outcome": "failed", "cause": protocol.Cause(code="x", message="m", traceback="t")}),
        _K.FAILED,
    ),
    "exit code": (ends(Ending(exit_code=7)), _K.FAILED),
    "out of memory": (ends(Ending(signal=9, out_of_memory=True)), _K.FAILED),
    "SIGKILL": (ends(Ending(signal=9)), _K.FAILED),
    "time limit": (timed_out, _K.FAILED),
    "canceled at work": (canceled_while_it_works, _K.CANCELED),
    "canceled in the queue": (canceled_while_it_waits, _K.CANCELED),
    "lease lost": (lease_lost, _K.FAILED),
    "worker stopped": (worker_stopped, _K.FAILED),
    "server killed": (server_killed, _K.FAILED),
    "never started": (never_started, _K.NOT_STARTED),
    "takes long": (takes_long, _K.LONG_RUNNING),
    "skipped by overlap": (skipped_by_overlap, _K.TICK_OVERLAPPED),
    "missed": (missed, _K.TICK_MISSED),
    "refused": (refused, _K.TICK_REFUSED),
    "succeeded": (ends(COMPLETED), _K.SUCCEEDED),
    "rows rejected": (rows_rejected, _K.WARNED),
}

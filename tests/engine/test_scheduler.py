"""The scheduler: one tick, one run, however many schedulers; every due tick has a disposition."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gristmill.domain.disposition import Disposition
from gristmill.domain.job import Job
from gristmill.domain.schedule import OverlapPolicy, Schedule
from gristmill.domain.schedule_wire import of_wire
from gristmill.domain.user import Actor
from gristmill.engine.scheduler import Scheduler
from gristmill.service import jobs, runs, schedules, task_credentials
from gristmill.service.jobs import NewJob
from gristmill.store import members, users
from tests.engine.conftest import Works

RAN, MERGED, PAUSED = Disposition.RAN, Disposition.MERGED, Disposition.PAUSED
REFUSED, OVERLAPPED = Disposition.REFUSED, Disposition.OVERLAPPED


def every_hour(**policies: str) -> Schedule:
    schedule = of_wire("0 * * * *", {})
    assert schedule
    return replace(schedule, **policies)  # type: ignore[arg-type]


def schedule_job(works: Works, schedule: Schedule | None = None) -> Job:
    shop = works.shop
    new = NewJob(space_id=shop.space_id, name="hourly", asset_ref=shop.script(), schedule=schedule or every_hour())
    return jobs.create(shop.context, shop.actor, new)


def dispositions(works: Works, job: Job) -> list[Disposition]:
    shop = works.shop
    return [tick.disposition for tick in schedules.decided(shop.context, shop.actor, job.id, limit=200)][::-1]


def runs_of(works: Works, job: Job) -> list[datetime | None]:
    shop = works.shop
    found = runs.page(shop.context, shop.actor, shop.space_id, limit=200, job_id=job.id)
    return [run.scheduled_for for run in found.items][::-1]


def test_a_tick_becomes_one_run_at_its_time_and_not_before(works: Works) -> None:
    job, scheduler = schedule_job(works), Scheduler(works.shop.context)
    works.clock.advance(minutes=59, seconds=59)
    assert scheduler.step() == 0
    works.clock.advance(seconds=1)
    assert scheduler.step() == 1
    assert scheduler.step() == 0
    assert runs_of(works, job) == [datetime(2026, 11, 22, 10, 0, tzinfo=UTC)]
    works.clock.advance(hours=1)
    scheduler.step()
    assert dispositions(works, job) == [RAN, RAN]


def test_o1_many_schedulers_at_once_run_a_tick_once(works: Works) -> None:
    made = [schedule_job(works) for _ in range(5)]
    works.clock.advance(hours=1)
    with ThreadPoolExecutor(6) as pool:
        steps = [pool.submit(Scheduler(works.shop.context).step) for _ in range(6)]
    assert sum(step.result() for step in steps) == len(made)
    for job in made:
        assert (len(runs_of(works, job)), dispositions(works, job)) == (1, [RAN])


def test_o2_a_tick_whose_run_is_gone_does_not_run_again(works: Works) -> None:
    job, shop = schedule_job(works), works.shop
    works.clock.advance(hours=1)
    Scheduler(shop.context).step()
    (run,) = runs.page(shop.context, shop.actor, shop.space_id, limit=9, job_id=job.id).items
    runs.delete_of_job(shop.context, shop.actor, job.id, run.id)
    with shop.context.database.transaction() as connection:
        # As after a restore of an older state of the job: its tick seems to be due, but it has its row.
        connection.exec_driver_sql("UPDATE jobs SET decided_until = created_at, next_tick_at = modified_at")
    Scheduler(shop.context).step()
    assert (runs_of(works, job), dispositions(works, job)) == ([], [RAN])
    # O4: and the schedule goes on.
    works.clock.advance(hours=1)
    assert Scheduler(shop.context).step() == 1
    assert dispositions(works, job) == [RAN, RAN]


def test_t10_a_server_that_was_down_runs_the_last_tick_and_accounts_for_the_others(works: Works) -> None:
    job = schedule_job(works)
    works.clock.advance(hours=5, minutes=30)
    assert Scheduler(works.shop.context).step() == 1
    assert dispositions(works, job) == [MERGED, MERGED, MERGED, MERGED, RAN]
    assert runs_of(works, job) == [datetime(2026, 11, 22, 14, 0, tzinfo=UTC)]


def test_t9_a_paused_job_runs_nothing_and_goes_on_at_its_next_slot(works: Works) -> None:
    job, shop, scheduler = schedule_job(works), works.shop, Scheduler(works.shop.context)
    jobs.change(shop.context, shop.actor, job.id, {"paused": True})
    for _ in range(3):
        works.clock.advance(hours=1)
        scheduler.step()
    jobs.change(shop.context, shop.actor, job.id, {"paused": False})
    works.clock.advance(hours=1)
    scheduler.step()
    assert dispositions(works, job) == [PAUSED, PAUSED, PAUSED, RAN]


def test_t8_a_changed_schedule_makes_no_tick_of_the_past(works: Works) -> None:
    job, shop, scheduler = schedule_job(works), works.shop, Scheduler(works.shop.context)
    works.clock.advance(minutes=50)
    jobs.change(shop.context, shop.actor, job.id, {"schedule": of_wire("*/5 * * * *", {})})
    assert scheduler.step() == 0
    works.clock.advance(minutes=5)
    scheduler.step()
    assert runs_of(works, job) == [datetime(2026, 11, 22, 9, 55, tzinfo=UTC)]
    # None that the new expression would have had before the change, not even one that is only accounted for.
    assert dispositions(works, job) == [RAN]
    jobs.change(shop.context, shop.actor, job.id, {"schedule": None})
    works.clock.advance(hours=5)
    assert scheduler.step() == 0


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        (OverlapPolicy.QUEUE, [RAN, RAN]),
        (OverlapPolicy.SKIP, [RAN, OVERLAPPED]),
        (OverlapPolicy.CANCEL_RUNNING, [RAN, RAN]),
    ],
)
def test_overlap_is_as_the_job_says(works: Works, policy: OverlapPolicy, wanted: list[Disposition]) -> None:
    job, scheduler, shop = schedule_job(works, every_hour(overlap=policy)), Scheduler(works.shop.context), works.shop
    for _ in range(2):
        works.clock.advance(hours=1)
        scheduler.step()
    assert dispositions(works, job) == wanted
    found = runs.page(shop.context, shop.actor, shop.space_id, limit=9, job_id=job.id).items
    canceled = [run for run in found if run.state == "canceled"]
    assert len(canceled) == (policy is OverlapPolicy.CANCEL_RUNNING)


def test_who_lost_the_right_has_its_ticks_refused_with_the_reason(works: Works) -> None:
    job, shop = schedule_job(works), works.shop
    (credential,) = task_credentials.list_all(shop.context, shop.actor)
    task_credentials.delete(shop.context, shop.actor, credential.id)
    works.clock.advance(hours=1)
    Scheduler(shop.context).step()
    (tick,) = schedules.decided(shop.context, shop.actor, job.id, limit=9)
    assert (tick.disposition, runs_of(works, job)) == (REFUSED, [])
    assert tick.reason
    assert "task credential" in tick.reason
    assert job.scheduler_id == shop.actor.user_id
    with shop.context.database.transaction() as connection:
        assert users.get(connection, shop.actor.user_id)
        members.delete(connection, shop.space_id, shop.actor.user_id)
    works.clock.advance(hours=1)
    Scheduler(shop.context).step()
    with shop.context.database.snapshot() as connection:
        refused = connection.exec_driver_sql("SELECT count(*) FROM ticks WHERE disposition = 'refused'").scalar()
    assert refused == 2


def test_the_schedule_acts_for_whoever_set_it(works: Works) -> None:
    job, shop = schedule_job(works), works.shop
    works.clock.advance(hours=1)
    Scheduler(shop.context).step()
    (run,) = runs.page(shop.context, shop.actor, shop.space_id, limit=9, job_id=job.id).items
    assert isinstance(shop.actor, Actor)
    assert run.requester_id == shop.actor.user_id

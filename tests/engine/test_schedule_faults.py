"""Schedules under faults: a database that fails anywhere, many schedulers, a night of clock change, a full minute."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from gristmill.content.folder import FolderContent
from gristmill.domain.disposition import Disposition
from gristmill.domain.job import Job
from gristmill.domain.schedule import MissedPolicy, OverlapPolicy
from gristmill.domain.schedule_wire import of_wire
from gristmill.engine.scheduler import Scheduler
from gristmill.service import deployment_job_definitions, deployments, jobs, ml_assets, models, purge, spaces
from gristmill.service.deployment_job_definitions import NewDefinition
from gristmill.service.jobs import NewJob
from gristmill.store.schema import events, run_contents, run_history, runs, ticks
from gristmill.store.schema import jobs as job_rows
from tests.engine.conftest import Works
from tests.engine.test_scheduler import dispositions, every_hour, runs_of, schedule_job
from tests.make_faults import Faults, ForgetfulDatabase
from tests.unit.schedule.oracle import cron_walls, oracle, utc

RAN = Disposition.RAN
LONG_ROWS = [[number, "x" * 1000] for number in range(100)]


def scheduled_deployment(works: Works, rows: list[list[Any]] = LONG_ROWS) -> Job:
    """Schedule a deployment whose rows are too many for the run's own row, so that each run has content of its own."""
    shop = works.shop
    deployment = shop.deploy()
    document = {"scoring": {"input_data": [{"fields": ["a", "b"], "values": rows}]}}
    new = NewDefinition(space_id=shop.space_id, deployment_id=deployment.id, name="d", document=document)
    definition = deployment_job_definitions.create(shop.context, shop.actor, new)
    configuration = {"deployment_job_definition_id": definition.id}
    job = NewJob(space_id=shop.space_id, name="scores", configuration=configuration, schedule=every_hour())
    return jobs.create(shop.context, shop.actor, job)


def copies(works: Works, template: Job, number: int) -> list[Job]:
    """Make more jobs like this one, straight in the store."""
    names = [f"{template.name} {position}" for position in range(number)]
    made = [replace(template, id=works.shop.context.new_id(), name=name) for name in names]
    rows = [{column: getattr(job, column) for column in job_rows.columns.keys()} for job in made]  # noqa: SIM118
    with works.shop.context.database.transaction() as connection:
        connection.execute(job_rows.insert(), rows)
    return made


def one_run_each(works: Works, made: Sequence[Job], moments: Sequence[datetime]) -> None:
    """Check that each of these jobs has one run, one history row and one tick for each of the moments, and no more."""
    wanted = {(job.id, moment) for job in made for moment in moments}
    with works.shop.context.database.snapshot() as connection:
        found = connection.execute(select(runs.c.id, runs.c.job_id, runs.c.scheduled_for)).all()
        decided = connection.execute(select(ticks.c.job_id, ticks.c.scheduled_for, ticks.c.run_id)).all()
        created = connection.execute(select(run_history.c.run_id)).scalars().all()
    assert sorted((row.job_id, row.scheduled_for) for row in found) == sorted(wanted)
    assert sorted(tuple(row) for row in decided) == sorted((row.job_id, row.scheduled_for, row.id) for row in found)
    assert sorted(created) == sorted(row.id for row in found)


def no_content_is_lost(works: Works) -> set[str]:
    """Check that what runs hold is there; return what is there after the janitor although nothing holds it."""
    works.clock.advance(minutes=5)
    while purge.loose_contents(works.shop.context):
        pass
    content = works.shop.context.content
    assert isinstance(content, FolderContent)
    with works.shop.context.database.snapshot() as connection:
        held = set(connection.execute(select(run_contents.c.key)).scalars())
    there = set(content.keys(older_than_seconds=-1))
    assert held <= there
    return there - held


@pytest.mark.parametrize("mode", ["once", "lasting", "died"])
def test_o3_a_failure_at_any_statement_loses_no_tick_and_doubles_none(works: Works, mode: str) -> None:
    made = [schedule_job(works), scheduled_deployment(works)]
    faults, moments, at = Faults(works.shop.context.database.engine), [], 0
    scheduler = Scheduler(works.shop.context)
    while True:
        works.clock.now = works.clock.now.replace(minute=0) + timedelta(hours=1)
        moments.append(works.clock.now)
        with faults.armed(at, lasting=mode != "once", died=mode == "died"):
            scheduler.step()
        if not faults.struck:
            break
        scheduler.step()
        one_run_each(works, made, moments)
        at += 1
    assert at > 10
    one_run_each(works, made, moments)
    loose = no_content_is_lost(works)
    # While the database is away, what was put cannot be noted either: then it stays for the sweep of the janitor.
    assert not loose or mode != "once"


def test_o3_a_commit_whose_answer_is_lost_counts_once(works: Works, database_url: str) -> None:
    made = [schedule_job(works), scheduled_deployment(works)]
    database = ForgetfulDatabase(database_url)
    works.clock.advance(hours=1)
    database.loses_answers = 1
    Scheduler(replace(works.shop.context, database=database)).step()
    database.close()
    one_run_each(works, made, [works.clock.now])
    assert not no_content_is_lost(works)


def test_o4_a_job_that_cannot_be_decided_does_not_hold_up_the_others_of_its_batch(
    works: Works, caplog: pytest.LogCaptureFixture
) -> None:
    template = schedule_job(works)
    made = [template, *copies(works, template, 9)]
    with works.shop.context.database.transaction() as connection:
        spoiled = update(job_rows).where(job_rows.c.id == made[4].id)
        connection.execute(spoiled.values(schedule={"cron": "not a cron"}))
    works.clock.advance(hours=1)
    moment, scheduler = works.clock.now, Scheduler(works.shop.context)
    assert scheduler.step() == 9
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == ["schedule.failed"]
    one_run_each(works, [job for job in made if job.id != made[4].id], [moment])
    with works.shop.context.database.transaction() as connection:
        connection.execute(update(job_rows).where(job_rows.c.id == made[4].id).values(schedule=template.schedule))
    assert scheduler.step() == 1
    one_run_each(works, made, [moment])


def test_o1_several_batches_of_one_scheduler_run_each_tick_once(works: Works) -> None:
    template = schedule_job(works)
    made = [template, *copies(works, template, 129)]
    works.clock.advance(hours=1)
    scheduler = Scheduler(works.shop.context)
    assert scheduler.step() == 130
    assert scheduler.step() == 0
    one_run_each(works, made, [works.clock.now])


def test_o5_a_run_that_is_there_already_is_taken_for_the_tick_without_an_error(
    works: Works, caplog: pytest.LogCaptureFixture
) -> None:
    job, other, shop = schedule_job(works), schedule_job(works), works.shop
    works.clock.advance(hours=1)
    moment, scheduler = works.clock.now, Scheduler(shop.context)
    assert scheduler.step() == 2
    with shop.context.database.transaction() as connection:
        # As after a restore: the run is there, its tick is not; the other job's tick is there, and due once more.
        connection.execute(ticks.delete().where(ticks.c.job_id == job.id))
        connection.execute(update(job_rows).values(next_tick_at=moment, decided_until=moment - timedelta(hours=1)))
    caplog.clear()
    assert scheduler.step() == 2
    one_run_each(works, [job, other], [moment])
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_o5_a_duplicate_key_is_no_error(works: Works, caplog: pytest.LogCaptureFixture) -> None:
    job, shop = schedule_job(works), works.shop
    works.clock.advance(hours=1)
    with shop.context.database.transaction() as connection:
        # A key of its run is taken by something that no look at ticks or runs finds.
        connection.exec_driver_sql("CREATE UNIQUE INDEX one_run_each ON runs (name)")
    copies(works, job, 1)
    with shop.context.database.transaction() as connection:
        connection.execute(update(job_rows).values(name="the same"))
    caplog.set_level(logging.INFO)
    assert Scheduler(shop.context).step() == 1
    assert "schedule.conflict" in [record.message for record in caplog.records]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_o1_three_schedulers_share_many_jobs_and_run_each_tick_once(works: Works) -> None:
    template = schedule_job(works)
    made = [template, *copies(works, template, 199)]
    for _ in range(2):
        works.clock.advance(hours=1)
        with ThreadPoolExecutor(3) as pool:
            steps = [pool.submit(Scheduler(works.shop.context).step) for _ in range(3)]
        assert sum(step.result() for step in steps) == len(made)
    one_run_each(works, made, [works.clock.now - timedelta(hours=1), works.clock.now])


def test_t14_a_thousand_schedules_of_one_minute_all_fire_once_with_few_statements(works: Works) -> None:
    template = schedule_job(works)
    made = [template, *copies(works, template, 999)]
    works.clock.advance(minutes=59, seconds=59)
    scheduler = Scheduler(works.shop.context)
    assert scheduler.step() == 0
    faults = Faults(works.shop.context.database.engine)
    works.clock.advance(seconds=1)
    # All in the first step after their tick: none is later than the clock's one second.
    assert scheduler.step() == 1_000
    assert len(faults.statements) < 1_000
    one_run_each(works, made, [works.clock.now])


@pytest.mark.parametrize(("day", "fold"), [("2027-03-28", "first"), ("2026-10-25", "both")])
def test_t5_a_night_of_clock_change_in_steps_of_a_second(works: Works, day: str, fold: str) -> None:
    zone, expression = "Europe/Berlin", "15,45 1,2,3 * * *"
    since = utc(f"{day} 00:00")
    until = since + timedelta(hours=2)
    works.clock.now = since - timedelta(seconds=1)
    schedule = of_wire(expression, {"timezone": zone, "rule": {"fold": fold}})
    job, scheduler = schedule_job(works, schedule), Scheduler(works.shop.context)
    faults = Faults(works.shop.context.database.engine)
    wanted = oracle(cron_walls(expression, gap="shift", fold=fold), zone, since, until)
    most = 0
    while works.clock.now < until - timedelta(seconds=1):
        before = len(faults.statements)
        works.clock.advance(seconds=1)
        scheduler.step()
        most = max(most, len(faults.statements) - before)
    assert runs_of(works, job) == wanted
    assert set(dispositions(works, job)) == {RAN}
    assert most < 40


def test_t12_what_a_job_runs_may_change_and_nothing_fires_early(works: Works) -> None:
    job, shop = scheduled_deployment(works), works.shop
    scheduler = Scheduler(shop.context)
    next_tick = select(job_rows.c.next_tick_at).where(job_rows.c.id == job.id)
    works.clock.advance(minutes=30)
    with shop.context.database.snapshot() as connection:
        before = connection.execute(next_tick).scalar_one()
    deployment = deployments.get(shop.context, shop.actor, shop.space_id, job.asset_ref)
    ml_assets.freeze(shop.context, shop.actor, models.MODEL, shop.space_id, deployment.asset_id)
    other = {"asset": {"id": shop.deploy().asset_id}}
    deployments.change(shop.context, shop.actor, shop.space_id, job.asset_ref, other)
    jobs.change(shop.context, shop.actor, job.id, {"name": "another", "configuration/env_variables": ["A=1"]})
    assert scheduler.step() == 0
    with shop.context.database.snapshot() as connection:
        assert connection.execute(next_tick).scalar_one() == before
    works.clock.advance(minutes=30)
    assert scheduler.step() == 1
    assert runs_of(works, job) == [datetime(2026, 11, 22, 10, 0, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("overlap", "wanted"),
    [
        (OverlapPolicy.QUEUE, ["queued"] * 3),
        (OverlapPolicy.SKIP, ["queued"]),
        (OverlapPolicy.CANCEL_RUNNING, ["canceled", "canceled", "queued"]),
    ],
)
def test_several_missed_ticks_of_one_job_overlap_each_other(
    works: Works, overlap: OverlapPolicy, wanted: list[str]
) -> None:
    schedule_job(works, every_hour(overlap=overlap, missed=MissedPolicy.ALL))
    works.clock.advance(hours=3)
    Scheduler(works.shop.context).step()
    with works.shop.context.database.snapshot() as connection:
        assert list(connection.execute(select(runs.c.state).order_by(runs.c.place)).scalars()) == wanted


def test_ticks_that_do_not_run_are_told_once_a_batch(works: Works) -> None:
    schedule = every_hour(missed=MissedPolicy.NONE, overlap=OverlapPolicy.SKIP)
    job, scheduler = schedule_job(works, schedule), Scheduler(works.shop.context)
    works.clock.advance(hours=4, minutes=30)
    scheduler.step()
    for _ in range(2):
        works.clock.now = works.clock.now.replace(minute=0) + timedelta(hours=1)
        scheduler.step()
    with works.shop.context.database.snapshot() as connection:
        told = connection.execute(select(events).order_by(events.c.at)).all()
    missed, overlapped = told
    assert (missed.kind, missed.job_id, missed.document["count"]) == ("tick_missed", job.id, 4)
    assert missed.document["scheduled_for"] == "2026-11-22T13:00:00+00:00"
    assert (overlapped.kind, overlapped.document["count"]) == ("tick_overlapped", 1)
    assert "has not ended" in overlapped.document["reason"]


def test_a_space_that_is_paused_leaves_its_ticks_out(works: Works) -> None:
    shop, job = works.shop, schedule_job(works)
    spaces.change(shop.context, shop.actor, shop.space_id, {"paused": True})
    works.clock.advance(hours=2)
    Scheduler(shop.context).step()
    assert dispositions(works, job) == [Disposition.PAUSED, Disposition.PAUSED]
    with shop.context.database.snapshot() as connection:
        assert connection.execute(select(func.count()).select_from(events)).scalar() == 0

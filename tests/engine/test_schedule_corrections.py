"""What is noted of a schedule's next tick is held against the schedule: every enabled one always has the right one."""

from __future__ import annotations

import shutil
import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from gristmill.domain.disposition import Disposition
from gristmill.domain.job import Job
from gristmill.domain.schedule import Schedule
from gristmill.domain.schedule_wire import of_wire
from gristmill.domain.zone_clock import forget_zones
from gristmill.engine.scheduler import Scheduler
from gristmill.service import jobs, schedules
from gristmill.store import ticks
from gristmill.store.schema import jobs as job_rows
from tests.engine.conftest import Works
from tests.engine.test_schedule_faults import copies
from tests.engine.test_scheduler import dispositions, runs_of, schedule_job
from tests.make_faults import Faults

ZONE = "Gristmill/Town"
Data = Callable[[str], None]


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Data]:
    """Time zone data with a town whose clocks go as those of another zone, which a new version may change."""
    (source,) = [Path(path) for path in zoneinfo.TZPATH if (Path(path) / "Etc" / "GMT-1").exists()][:1]
    before, town = zoneinfo.TZPATH, tmp_path / "zones" / ZONE
    town.parent.mkdir(parents=True)

    def becomes(zone: str) -> None:
        shutil.copy(source / zone, town.with_suffix(".new"))
        town.with_suffix(".new").rename(town)

    zoneinfo.reset_tzpath([str(tmp_path / "zones"), *before])
    yield becomes
    zoneinfo.reset_tzpath(before)
    forget_zones()


def next_tick(works: Works, job: Job) -> datetime | None:
    with works.shop.context.database.snapshot() as connection:
        query = select(job_rows.c.next_tick_at).where(job_rows.c.id == job.id)
        found: datetime | None = connection.execute(query).scalar_one()
    return found


def test_t15_new_time_zone_data_moves_the_next_tick_of_a_scheduler_at_work(works: Works, data: Data) -> None:
    data("Etc/GMT-1")
    job = schedule_job(works, of_wire("0 12 * * *", {"timezone": ZONE}))
    scheduler = Scheduler(works.shop.context)
    scheduler.step()
    assert next_tick(works, job) == datetime(2026, 11, 22, 11, 0, tzinfo=UTC)
    # Noon comes an hour earlier than everybody thought.
    data("Etc/GMT-2")
    works.clock.advance(minutes=10)
    scheduler.step()
    assert next_tick(works, job) == datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    while works.clock.now < datetime(2026, 11, 23, 13, 0, tzinfo=UTC):
        works.clock.advance(minutes=10)
        scheduler.step()
    assert runs_of(works, job) == [datetime(2026, 11, day, 10, 0, tzinfo=UTC) for day in (22, 23)]
    assert set(dispositions(works, job)) == {Disposition.RAN}


def test_t15_a_tick_that_has_run_does_not_run_again_under_other_data(works: Works, data: Data) -> None:
    data("Etc/GMT-1")
    job, scheduler = schedule_job(works, of_wire("0 * * * *", {"timezone": ZONE})), Scheduler(works.shop.context)
    works.clock.advance(hours=1)
    scheduler.step()
    data("Etc/GMT-2")
    works.clock.advance(minutes=10)
    scheduler.step()
    scheduler.step()
    assert runs_of(works, job) == [datetime(2026, 11, 22, 10, 0, tzinfo=UTC)]
    assert next_tick(works, job) == datetime(2026, 11, 22, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(("before", "after"), [("Etc/GMT-2", "Etc/GMT-1"), ("Etc/GMT-14", "Etc/GMT+12")])
def test_t15_a_local_time_that_has_run_does_not_come_again_with_new_data(
    works: Works, data: Data, before: str, after: str
) -> None:
    data(before)
    job = schedule_job(works, of_wire("0 12 * * *", {"timezone": ZONE}))
    scheduler = Scheduler(works.shop.context)
    while not runs_of(works, job):
        works.clock.advance(minutes=30)
        scheduler.step()
    (ran,) = runs_of(works, job)
    assert ran
    # The clock of the town is set back: its noon is still to come.
    data(after)
    until = ran + timedelta(hours=27)
    while works.clock.now < until:
        works.clock.advance(minutes=30)
        scheduler.step()
    told = dispositions(works, job)
    assert sorted(set(told)) == [Disposition.MERGED, Disposition.RAN]
    with works.shop.context.database.snapshot() as connection:
        found = ticks.page(connection, job.id, limit=9)
    locals_run = [tick.local_time for tick in found if tick.disposition is Disposition.RAN]
    assert len(locals_run) == len(set(locals_run))
    (merged,) = [tick for tick in found if tick.disposition is Disposition.MERGED]
    assert merged.local_time in locals_run


def test_t15_a_user_who_moves_a_schedule_to_another_zone_gets_its_time_there_too(works: Works) -> None:
    job = schedule_job(works, of_wire("0 12 * * *", {"timezone": "Etc/GMT-2"}))
    scheduler = Scheduler(works.shop.context)
    works.clock.advance(hours=1)
    scheduler.step()
    other = of_wire("0 12 * * *", {"timezone": "Etc/GMT-1"})
    jobs.change(works.shop.context, works.shop.actor, job.id, {"schedule": other})
    works.clock.advance(hours=1)
    scheduler.step()
    assert runs_of(works, job) == [datetime(2026, 11, 22, hour, 0, tzinfo=UTC) for hour in (10, 11)]


@pytest.mark.parametrize("noted", [None, datetime(2026, 11, 29, tzinfo=UTC)])
def test_o4_a_schedule_without_its_next_tick_gets_it_back(
    works: Works, noted: datetime | None, caplog: pytest.LogCaptureFixture
) -> None:
    template = schedule_job(works)
    made = [template, *copies(works, template, 249)]
    once = schedule_job(works, Schedule(repeat=False, start=datetime(2026, 11, 22, 9, 30, tzinfo=UTC)))
    works.clock.advance(minutes=30)
    Scheduler(works.shop.context).step()
    with works.shop.context.database.transaction() as connection:
        spoiled = update(job_rows).where(job_rows.c.id.in_([job.id for job in made[::50]]))
        connection.execute(spoiled.values(next_tick_at=noted))
    scheduler = Scheduler(works.shop.context)
    for _ in range(2):
        assert scheduler.step() == 0
    assert [record.message for record in caplog.records] == ["schedule.corrected"] * 5
    assert {next_tick(works, job) for job in made} == {datetime(2026, 11, 22, 10, 0, tzinfo=UTC)}
    assert next_tick(works, once) is None
    works.clock.advance(minutes=30)
    assert scheduler.step() == 250


def test_o4_a_failure_at_any_statement_of_a_change_leaves_a_schedule_with_its_next_tick(works: Works) -> None:
    job, shop, at = schedule_job(works), works.shop, 0
    faults = Faults(shop.context.database.engine)
    while True:
        minute = at % 60
        with faults.armed(at, lasting=True):
            jobs.change(shop.context, shop.actor, job.id, {"schedule": of_wire(f"{minute} * * * *", {})})
        struck = faults.struck
        assert schedules.correct_some(shop.context, after="", limit=9) == ("", 0)
        coming = next_tick(works, job)
        assert coming is not None
        assert coming - works.clock.now <= timedelta(hours=1)
        if not struck:
            return
        at += 1

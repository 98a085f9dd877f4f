"""What becomes of ticks when nobody was there, by each policy; restarts more often than ticks; clocks that jump."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from gristmill.domain.disposition import Disposition
from gristmill.domain.schedule import MissedPolicy
from gristmill.domain.schedule_wire import of_wire
from gristmill.engine.scheduler import Scheduler
from gristmill.service import jobs, schedules
from gristmill.store.schema import events
from tests.engine.conftest import Works
from tests.engine.test_scheduler import dispositions, every_hour, runs_of, schedule_job
from tests.unit.schedule.oracle import utc

RAN, MERGED, MISSED, PAUSED = Disposition.RAN, Disposition.MERGED, Disposition.MISSED, Disposition.PAUSED


def told(works: Works) -> list[tuple[str, int]]:
    with works.shop.context.database.snapshot() as connection:
        rows = connection.execute(select(events.c.kind, events.c.document).order_by(events.c.at)).all()
    return [(row.kind, row.document["count"]) for row in rows]


@pytest.mark.parametrize(
    ("policy", "wanted", "said"),
    [
        (MissedPolicy.NONE, [MISSED] * 5, [("tick_missed", 5)]),
        (MissedPolicy.LAST, [MERGED] * 4 + [RAN], []),
        (MissedPolicy.ALL, [RAN] * 5, []),
    ],
)
def test_t10_each_policy_after_the_scheduler_was_down(
    works: Works, policy: MissedPolicy, wanted: list[Disposition], said: list[tuple[str, int]]
) -> None:
    job, begin = schedule_job(works, every_hour(missed=policy)), works.clock.now
    works.clock.advance(hours=5, minutes=30)
    Scheduler(works.shop.context).step()
    assert dispositions(works, job) == wanted
    assert told(works) == said
    hours = [number for number, disposition in enumerate(wanted, start=1) if disposition is RAN]
    assert runs_of(works, job) == [begin + timedelta(hours=number) for number in hours]
    works.clock.advance(minutes=30)
    Scheduler(works.shop.context).step()
    assert dispositions(works, job) == [*wanted, RAN]


@pytest.mark.parametrize(
    ("policy", "wanted", "said"),
    [
        (MissedPolicy.NONE, {MISSED: 99, RAN: 1}, [("tick_missed", 250)]),
        (MissedPolicy.LAST, {MERGED: 99, RAN: 1}, []),
        (MissedPolicy.ALL, {RAN: 100}, [("tick_missed", 151)]),
    ],
)
def test_t10_what_is_beyond_the_bound_is_counted_and_told(
    works: Works, policy: MissedPolicy, wanted: dict[Disposition, int], said: list[tuple[str, int]]
) -> None:
    """The tick of this very minute runs; the others are not merged into it where the job says that they are not run."""
    job, shop = schedule_job(works, of_wire("* * * * *", {"rule": {"missed": str(policy)}})), works.shop
    works.clock.advance(minutes=251, seconds=30)
    Scheduler(shop.context).step()
    assert Counter(dispositions(works, job)) == wanted
    assert told(works) == said
    oldest = schedules.decided(shop.context, shop.actor, job.id, limit=200)[-1]
    assert oldest.reason == "151 ticks before it are not listed one by one, and did not run."


@pytest.mark.parametrize("policy", list(MissedPolicy))
def test_t9_a_pause_of_three_days_is_never_made_up_for_and_skips_no_slot(works: Works, policy: MissedPolicy) -> None:
    """Also when no scheduler was at work meanwhile: whoever resumes wants what comes, not what was left out."""
    job, shop = schedule_job(works, every_hour(missed=policy)), works.shop
    scheduler = Scheduler(shop.context)
    jobs.change(shop.context, shop.actor, job.id, {"paused": True})
    works.clock.advance(days=3)
    scheduler.step()
    jobs.change(shop.context, shop.actor, job.id, {"paused": False})
    works.clock.advance(minutes=59)
    scheduler.step()
    assert (runs_of(works, job), set(dispositions(works, job))) == ([], {PAUSED})
    works.clock.advance(minutes=1)
    scheduler.step()
    assert runs_of(works, job) == [works.clock.now]


def test_t11_a_weekly_job_runs_whose_server_starts_anew_each_hour(works: Works) -> None:
    job = schedule_job(works, of_wire("0 9 * * 1", {}))
    for _ in range(24 * 9):
        works.clock.advance(hours=1)
        Scheduler(works.shop.context).step()
    assert runs_of(works, job) == [utc("2026-11-23 09:00"), utc("2026-11-30 09:00")]


def test_t13_a_clock_that_jumps_and_a_machine_that_sleeps(works: Works) -> None:
    job, scheduler = schedule_job(works), Scheduler(works.shop.context)

    def at(moment: str) -> list[datetime | None]:
        works.clock.now = utc(moment)
        scheduler.step()
        return runs_of(works, job)

    ran = [utc("2026-11-22 10:00"), utc("2026-11-22 11:00")]
    assert at("2026-11-22 10:00") == ran[:1]
    assert at("2026-11-22 11:00") == ran
    # Two hours back: what has run does not run again, and goes on where it was.
    for moment in ("2026-11-22 09:00", "2026-11-22 10:00", "2026-11-22 11:00"):
        assert at(moment) == ran
    # Two hours forward, and a night of sleep.
    assert at("2026-11-22 13:00") == [*ran, utc("2026-11-22 13:00")]
    assert at("2026-11-22 21:30") == [*ran, utc("2026-11-22 13:00"), utc("2026-11-22 21:00")]
    assert dispositions(works, job).count(MERGED) == 1 + 7

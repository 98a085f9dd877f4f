"""What is due: nothing twice, nothing lost without a word, and never without bound."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.schedule.oracle import cron_walls, oracle, utc

from gristmill.domain.cron import parse_cron
from gristmill.domain.schedule import MissedPolicy, Schedule
from gristmill.domain.tick import next_tick
from gristmill.domain.tick_due import MISSED_WINDOW, MOST_COUNTED, MOST_LISTED, Due, due

NOON = utc("2026-11-22 12:00")


def schedule(text: str, missed: MissedPolicy = MissedPolicy.LAST, zone: str = "UTC") -> Schedule:
    return Schedule(repetition=parse_cron(text), zone=zone, missed=missed)


def test_a_tick_on_time_runs_whatever_the_policy() -> None:
    for policy in MissedPolicy:
        found = due(schedule("0 * * * *", policy), NOON - timedelta(hours=1), NOON + timedelta(seconds=5))
        assert found == Due(run=[NOON], missed=[])


def test_nothing_is_due_before_its_time() -> None:
    assert due(schedule("0 * * * *"), NOON, NOON + timedelta(minutes=59)) == Due(run=[], missed=[])


@pytest.mark.parametrize(
    ("policy", "hours"),
    [(MissedPolicy.NONE, 0), (MissedPolicy.LAST, 1), (MissedPolicy.ALL, MISSED_WINDOW // timedelta(hours=1))],
)
def test_t9_after_a_pause_of_three_days(policy: MissedPolicy, hours: int) -> None:
    hourly = schedule("0 * * * *", policy)
    resumed = NOON + timedelta(days=3, minutes=30)
    found = due(hourly, NOON, resumed)
    slots = [NOON + timedelta(hours=number) for number in range(1, 73)]
    assert found.run == slots[len(slots) - hours :]
    assert found.missed == slots[: len(slots) - hours]
    assert next_tick(hourly, resumed) == NOON + timedelta(days=3, hours=1)


def test_t9_the_next_slot_is_not_merged_into_those_that_were_missed() -> None:
    found = due(schedule("0 * * * *"), NOON - timedelta(hours=5), NOON + timedelta(seconds=1))
    assert found.run == [NOON]
    assert len(found.missed) == 4


def test_t10_ticks_that_are_too_many_to_list_are_counted() -> None:
    minutely = schedule("* * * * *", MissedPolicy.ALL)
    found = due(minutely, NOON - timedelta(days=2), NOON)
    assert len(found.run) == MOST_LISTED
    assert found.run[-1] == NOON
    assert found.missed == []
    assert found.dropped == 2 * 24 * 60 - MOST_LISTED


def test_t10_the_longest_outage_is_bounded_and_the_latest_ticks_are_found() -> None:
    found = due(schedule("* * * * *"), NOON - timedelta(days=20 * 365), NOON + timedelta(seconds=3))
    assert found.run == [NOON]
    assert found.missed == [NOON - timedelta(minutes=number) for number in range(MOST_LISTED - 1, 0, -1)]
    assert found.dropped == MOST_COUNTED


def test_t11_a_weekly_run_survives_restarts_more_often_than_its_interval() -> None:
    weekly, last, ran = schedule("0 9 * * MON"), NOON, []
    for hour in range(24 * 15):
        now = NOON + timedelta(hours=hour, minutes=7)
        found = due(weekly, last, now)
        ran += found.run
        last = max([last, *found.run, *found.missed])
    assert ran == [utc("2026-11-23 09:00"), utc("2026-11-30 09:00"), utc("2026-12-07 09:00")]


@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25"])
def test_t5_a_night_at_steps_of_a_second_equals_brute_force(night: str) -> None:
    half_past, last, ran = schedule("30 * * * *", zone="Europe/Berlin"), utc(night), []
    for second in range(4 * 3600):
        now = utc(night) + timedelta(seconds=second)
        found = due(half_past, last, now)
        assert found.missed == []
        ran += found.run
        last = max([last, *found.run])
    walls = cron_walls("30 * * * *", gap="shift", fold="first")
    assert ran == oracle(walls, "Europe/Berlin", utc(night), utc(night) + timedelta(hours=4))


def test_t13_a_clock_set_back_repeats_nothing_and_a_long_sleep_is_missed_ticks() -> None:
    hourly = schedule("0 * * * *")
    assert due(hourly, NOON, NOON - timedelta(hours=2)) == Due(run=[], missed=[])
    assert due(hourly, NOON, NOON) == Due(run=[], missed=[])
    slept = due(hourly, NOON, NOON + timedelta(hours=8, minutes=30))
    assert slept.run == [NOON + timedelta(hours=8)]
    assert len(slept.missed) == 7

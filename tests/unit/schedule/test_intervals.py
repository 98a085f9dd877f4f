"""Intervals: the calendar's on the wall clock, minutes and hours in elapsed time, all from their start."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.schedule.oracle import Walls, oracle, utc

from gristmill.domain.errors import Invalid
from gristmill.domain.interval import MOST_UNITS, Every, IntervalUnit
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import FoldPolicy, GapPolicy, Schedule
from gristmill.domain.tick import next_tick, ticks

BERLIN = ZoneInfo("Europe/Berlin")


def every(number: int, unit: str, start: datetime, zone: str = "Europe/Berlin", **options: object) -> Schedule:
    return Schedule(
        repetition=Every(number, IntervalUnit(unit)),
        start=start,
        zone=zone,
        **options,  # type: ignore[arg-type]
    )


def days(schedule: Schedule, count: int) -> list[str]:
    found = ticks(schedule, utc("1999-01-01"), count)
    return [tick.astimezone(ZoneInfo(schedule.zone)).strftime("%m-%d %H:%M") for tick in found]


def test_days_and_weeks_keep_the_time_on_the_wall() -> None:
    start = datetime(2026, 3, 27, 9, 30, tzinfo=BERLIN)
    assert days(every(2, "days", start), 3) == ["03-27 09:30", "03-29 09:30", "03-31 09:30"]
    assert days(every(2, "weeks", start), 3) == ["03-27 09:30", "04-10 09:30", "04-24 09:30"]


def test_months_take_the_last_day_of_shorter_ones_and_come_back() -> None:
    start = datetime(2028, 1, 31, 6, 0, tzinfo=BERLIN)
    assert days(every(1, "months", start), 5) == [
        f"{day} 06:00" for day in ("01-31", "02-29", "03-31", "04-30", "05-31")
    ]
    assert days(every(3, "months", start), 3) == ["01-31 06:00", "04-30 06:00", "07-31 06:00"]


def test_minutes_and_hours_are_elapsed_time_across_both_shifts() -> None:
    for start in (utc("2026-03-28 21:10"), utc("2026-10-24 20:10")):
        found = ticks(every(90, "minutes", start), start - timedelta(days=9), 12)
        assert found == [start + number * timedelta(minutes=90) for number in range(12)]
        assert ticks(every(7, "hours", start), start, 2) == [start + timedelta(hours=7), start + timedelta(hours=14)]


def test_excluded_weekdays_are_left_out_and_do_not_move_the_others() -> None:
    weekend = frozenset({Weekday.SAT, Weekday.SUN})
    start = datetime(2026, 11, 20, 23, 0, tzinfo=BERLIN)
    half_hours = ticks(every(30, "minutes", start, excluded_weekdays=weekend), start, 2)
    assert half_hours == [utc("2026-11-20 22:30"), utc("2026-11-22 23:00")]
    every_third = days(every(3, "days", start, excluded_weekdays=weekend), 4)
    assert every_third == ["11-20 23:00", "11-23 23:00", "11-26 23:00", "12-02 23:00"]
    not_the_start = every(1, "days", start, excluded_weekdays=frozenset({Weekday.FRI}))
    assert days(not_the_start, 1) == ["11-21 23:00"]


def test_an_excluded_day_that_a_gap_shortens_ends_at_the_gap() -> None:
    # In Nuuk, Saturday ends at 23:00.
    start = utc("2026-03-27 12:00")
    nuuk = every(30, "minutes", start, "America/Nuuk", excluded_weekdays=frozenset({Weekday.SAT}))
    assert ticks(nuuk, utc("2026-03-28 01:30"), 2) == [utc("2026-03-29 01:00"), utc("2026-03-29 01:30")]


def test_an_interval_that_only_meets_excluded_weekdays_is_refused() -> None:
    with pytest.raises(Invalid, match="never run"):
        every(2, "weeks", utc("2026-11-20 12:00"), excluded_weekdays=frozenset({Weekday.FRI}))
    in_vain = every(168, "hours", utc("2026-11-20 12:00"), "UTC", excluded_weekdays=frozenset({Weekday.FRI}))
    assert next_tick(in_vain, utc("2026-11-22")) is None


def test_t16_a_start_in_another_zone_is_the_same_moment() -> None:
    start = datetime(2026, 11, 22, 3, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    schedule = every(1, "weeks", start, "America/New_York", excluded_weekdays=frozenset({Weekday.SUN}))
    # It is Saturday, 13:00, in New York.
    assert ticks(schedule, utc("2026-11-01"), 2) == [start, utc("2026-11-28 18:00")]
    same = every(1, "weeks", start.astimezone(BERLIN), "America/New_York", excluded_weekdays=frozenset({Weekday.SUN}))
    assert same == schedule


def test_a_start_inside_a_repeated_hour_is_the_first_tick_whatever_the_policy() -> None:
    for turn in (0, 1):
        start = datetime(2026, 10, 25, 2, 30, fold=turn, tzinfo=BERLIN)
        for policy in FoldPolicy:
            found = ticks(every(1, "days", start, fold=policy), utc("2026-01-01"), 2)
            assert found == [start.astimezone(ZoneInfo("UTC")), utc("2026-10-26 01:30")]


@settings(max_examples=60, deadline=None)
@given(
    number=st.integers(1, 5),
    zone=st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Antarctica/Troll"]),
    hour=st.integers(0, 23),
    fold=st.sampled_from(FoldPolicy),
    gap=st.sampled_from(GapPolicy),
    day=st.sampled_from(["2010-03-14", "2026-03-29", "2026-04-04", "2026-10-03", "2026-10-25", "2010-11-07"]),
)
def test_t4_intervals_of_days_equal_brute_force(
    number: int, zone: str, hour: int, fold: FoldPolicy, gap: GapPolicy, day: str
) -> None:
    anchor = datetime.fromisoformat(f"{day} 12:01").replace(tzinfo=ZoneInfo(zone)) - timedelta(days=20)
    anchor = anchor.replace(hour=hour)
    schedule = every(number, "days", anchor, zone, fold=fold, gap=gap)

    def matches(wall: datetime) -> bool:
        elapsed = wall - anchor.replace(tzinfo=None)
        return elapsed % timedelta(days=number) == timedelta(0)

    walls = Walls(matches=matches, moves_out_of_gaps=gap is GapPolicy.SHIFT, runs_in_folds=fold)
    since, until = utc(day) - timedelta(days=1, hours=12), utc(day) + timedelta(days=1, hours=12)
    expected = oracle(walls, zone, since, until)
    assert [tick for tick in ticks(schedule, since - timedelta(minutes=1), 10) if tick < until] == expected


@pytest.mark.parametrize("unit", list(IntervalUnit))
def test_intervals_have_bounds(unit: IntervalUnit) -> None:
    for number in (0, -1, MOST_UNITS[unit] + 1):
        with pytest.raises(Invalid, match=str(unit)):
            Every(number, unit)
    longest = every(MOST_UNITS[unit], unit, utc("2026-11-22"))
    assert len(ticks(longest, utc("2026-11-22"), 3)) == 3
    assert next_tick(longest, utc("9989-12-31")) is None

"""The next tick, held against brute force and against nights that are known to be difficult."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.schedule.oracle import cron_walls, oracle, transitions, utc

from gristmill.domain.cron import parse_cron
from gristmill.domain.errors import Invalid
from gristmill.domain.interval import Every, IntervalUnit
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import FoldPolicy, GapPolicy, Schedule
from gristmill.domain.tick import next_tick, ticks

ZONES = sorted(available_timezones() - {"localtime"})
SPECS = [
    "* * * * *",
    "*/15 * * * *",
    "0 * * * *",
    "30 * * * *",
    "0 0 * * *",
    "30 0 * * *",
    "30 1 * * *",
    "0 2 * * *",
    "30 2 * * *",
    "0 3 * * *",
    "30 23 * * *",
    "0 */2 * * *",
    "*/20 2 * * *",
    "*/15 0-5 * * *",
    "15,45 1-3 * * 0,6",
    "0 0 * * 1-5",
    "30 2 * * SUN",
    "0 0 L * *",
    "0 2 29,30,L * 6",
]
# Zones and dates (UTC) of transitions: half an hour, midnight, a lost day, two hours, quarters, a minute past midnight.
NASTY = [
    ("Australia/Lord_Howe", "2026-04-04"),
    ("Australia/Lord_Howe", "2026-10-03"),
    ("Pacific/Chatham", "2026-04-04"),
    ("Pacific/Chatham", "2026-09-26"),
    ("America/Santiago", "2026-04-05"),
    ("America/Santiago", "2026-09-06"),
    ("Asia/Beirut", "2026-03-28"),
    ("Asia/Beirut", "2026-10-24"),
    ("Pacific/Apia", "2011-12-30"),
    ("Antarctica/Troll", "2026-03-29"),
    ("Antarctica/Troll", "2026-10-25"),
    ("America/St_Johns", "2010-03-14"),
    ("America/St_Johns", "2010-11-07"),
    ("America/Nuuk", "2026-03-29"),
    ("America/Nuuk", "2026-10-25"),
    ("Africa/Casablanca", "2026-02-15"),
    ("Asia/Kathmandu", "2026-03-29"),
    ("Asia/Kolkata", "2026-03-29"),
    ("Asia/Pyongyang", "2018-05-04"),
    ("America/Caracas", "2016-05-01"),
    ("Europe/Dublin", "2026-10-25"),
    ("America/New_York", "2026-11-01"),
    ("Europe/Berlin", "2026-03-29"),
]
POLICIES = st.tuples(st.sampled_from(GapPolicy), st.sampled_from(FoldPolicy))
EXCLUDED = st.frozensets(st.sampled_from(Weekday), max_size=2)


def daily(text: str, zone: str = "Europe/Berlin", **options: object) -> Schedule:
    return Schedule(repetition=parse_cron(text), zone=zone, **options)  # type: ignore[arg-type]


def between(schedule: Schedule, since: datetime, until: datetime) -> list[datetime]:
    found = []
    tick = next_tick(schedule, since - timedelta(microseconds=1))
    while tick is not None and tick < until:
        found.append(tick)
        tick = next_tick(schedule, tick)
    return found


def local_times(schedule: Schedule, after: str, count: int) -> list[str]:
    zone = ZoneInfo(schedule.zone)
    return [tick.astimezone(zone).isoformat(timespec="minutes") for tick in ticks(schedule, utc(after), count)]


def check(
    spec: str, zone: str, around: datetime, *, gap: GapPolicy, fold: FoldPolicy, excluded: frozenset[Weekday]
) -> None:
    since, until = around - timedelta(hours=20), around + timedelta(hours=26)
    schedule = daily(spec, zone, gap=gap, fold=fold, excluded_weekdays=excluded)
    walls = cron_walls(spec, gap=gap, fold=fold, excluded=frozenset(map(int, excluded)))
    assert between(schedule, since, until) == oracle(walls, zone, since, until), (spec, zone, around, gap, fold)


@pytest.mark.parametrize(("zone", "day"), NASTY)
def test_t7_difficult_zones_equal_brute_force(zone: str, day: str) -> None:
    for number, spec in enumerate(SPECS):
        gap, fold = list(GapPolicy)[number % 2], list(FoldPolicy)[number % 3]
        check(spec, zone, utc(day), gap=gap, fold=fold, excluded=frozenset())


@settings(max_examples=100, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    year=st.integers(2000, 2037),
    hour=st.integers(0, 8759),
    spec=st.sampled_from(SPECS),
    policies=POLICIES,
    excluded=EXCLUDED,
)
def test_t1_every_zone_and_transition_equals_brute_force(
    zone: str, year: int, hour: int, spec: str, policies: tuple[GapPolicy, FoldPolicy], excluded: frozenset[Weekday]
) -> None:
    found = transitions(zone, year)
    around = (
        found[hour % len(found)] if found else datetime.fromisoformat(f"{year}-01-01T00:00Z") + timedelta(hours=hour)
    )
    allowed = excluded if spec.endswith("*") else frozenset()
    check(spec, zone, around, gap=policies[0], fold=policies[1], excluded=allowed)


@settings(max_examples=150, deadline=None)
@given(
    place=st.sampled_from(NASTY),
    seconds=st.integers(-100_000, 100_000),
    micros=st.integers(0, 999_999),
    spec=st.sampled_from(SPECS),
    policies=POLICIES,
    other=st.sampled_from(["UTC", "Asia/Tokyo", "America/St_Johns"]),
)
def test_t2_the_next_tick_is_later_and_the_same_wherever_one_asks(
    place: tuple[str, str], seconds: int, micros: int, spec: str, policies: tuple[GapPolicy, FoldPolicy], other: str
) -> None:
    zone, day = place
    after = utc(day) + timedelta(seconds=seconds, microseconds=micros)
    schedule = daily(spec, zone, gap=policies[0], fold=policies[1])
    found = next_tick(schedule, after)
    assert found is not None
    assert found > after
    assert next_tick(schedule, after.astimezone(ZoneInfo(zone))) == found
    assert next_tick(schedule, after.astimezone(ZoneInfo(other))) == found
    walls = cron_walls(spec, gap=policies[0], fold=policies[1])
    minute = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    nearest = oracle(walls, zone, minute, min(found, minute + timedelta(days=3)) + timedelta(minutes=1))
    assert nearest[:1] == ([found] if found <= minute + timedelta(days=3) else [])


def test_t2_inside_the_repeated_hour_it_never_looks_back() -> None:
    repeated = datetime(2026, 10, 25, 2, 45, fold=1, tzinfo=ZoneInfo("Europe/Berlin"))
    assert next_tick(daily("30 2 * * *"), repeated) == utc("2026-10-26 01:30")
    assert next_tick(daily("0,50 * * * *"), repeated) == utc("2026-10-25 01:50")


def test_t2_asked_at_the_very_moment_of_a_shift_it_sees_the_gap() -> None:
    # Pyongyang went from 23:30 to midnight, three years after its last shift.
    shift = utc("2018-05-04 15:00")
    pyongyang = daily("45 23 * * *", "Asia/Pyongyang")
    assert next_tick(pyongyang, shift - timedelta(microseconds=1)) == shift
    assert next_tick(pyongyang, shift) == utc("2018-05-05 14:45")


@pytest.mark.parametrize("night", ["2026-03-28 20:00", "2026-10-24 20:00"])
def test_t3_wildcards_keep_their_real_spacing(night: str) -> None:
    for spec, step in (("0 * * * *", 60), ("*/15 * * * *", 15), ("*/15 0-6 * * *", 15)):
        found = ticks(daily(spec), utc(night) + timedelta(hours=3), 12)
        gaps = {later - earlier for earlier, later in pairwise(found)}
        assert gaps == {timedelta(minutes=step)}, spec


@pytest.mark.parametrize(
    ("gap", "first"), [(GapPolicy.SHIFT, "2026-03-29T03:00+02:00"), (GapPolicy.SKIP, "2026-03-30T02:30+02:00")]
)
def test_t4_gap_policy(gap: GapPolicy, first: str) -> None:
    assert local_times(daily("30 2 * * *", gap=gap), "2026-03-28 12:00", 1) == [first]


@pytest.mark.parametrize(
    ("fold", "offsets"),
    [(FoldPolicy.FIRST, ["+02:00"]), (FoldPolicy.SECOND, ["+01:00"]), (FoldPolicy.BOTH, ["+02:00", "+01:00"])],
)
def test_t4_fold_policy(fold: FoldPolicy, offsets: list[str]) -> None:
    found = local_times(daily("30 2 * * *", fold=fold), "2026-10-24 12:00", len(offsets) + 1)
    assert found == [*(f"2026-10-25T02:30{offset}" for offset in offsets), "2026-10-26T02:30+01:00"]


def test_t4_ticks_that_a_gap_moves_to_one_moment_are_one() -> None:
    assert local_times(daily("0,20,40 2,3 * * *"), "2026-03-29 00:00", 2) == [
        "2026-03-29T03:00+02:00",
        "2026-03-29T03:20+02:00",
    ]


def test_t4_named_hours_are_not_lost_when_their_minutes_are_stepped() -> None:
    found = local_times(daily("*/10 2 * * *"), "2026-03-28 12:00", 2)
    assert found == ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]


def test_t6_an_excluded_weekday_is_one_of_the_schedules_zone() -> None:
    weekdays = daily("0 22 * * *", "America/New_York", excluded_weekdays=frozenset({Weekday.SAT, Weekday.SUN}))
    # 22:00 on Friday in New York is Saturday in UTC, and nearly noon on Saturday in Tokyo.
    asked = datetime(2026, 11, 21, 1, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert ticks(weekdays, asked, 2) == [utc("2026-11-21 03:00"), utc("2026-11-24 03:00")]


def test_t6_a_gap_moves_nothing_into_an_excluded_weekday() -> None:
    # In Nuuk the last hour of Saturday is left out, so that its runs would be on Sunday.
    nuuk = daily("30 23 * * *", "America/Nuuk")
    assert local_times(nuuk, "2026-03-28 12:00", 1) == ["2026-03-29T00:00-01:00"]
    without_sunday = daily("30 23 * * *", "America/Nuuk", excluded_weekdays=frozenset({Weekday.SUN}))
    assert local_times(without_sunday, "2026-03-28 12:00", 1) == ["2026-03-30T23:30-01:00"]


def test_t7_a_lost_day_is_made_up_for_once() -> None:
    assert local_times(daily("30 9 * * *", "Pacific/Apia"), "2011-12-29 12:00", 3) == [
        "2011-12-29T09:30-10:00",
        "2011-12-31T00:00+14:00",
        "2011-12-31T09:30+14:00",
    ]


def test_t7_midnight_that_does_not_exist_is_the_first_moment_of_the_day() -> None:
    assert local_times(daily("0 0 * * *", "America/Santiago"), "2026-09-05 12:00", 1) == ["2026-09-06T01:00-03:00"]
    assert local_times(daily("0 0 * * *", "Asia/Beirut"), "2026-03-28 12:00", 1) == ["2026-03-29T01:00+03:00"]


def test_t8_an_edited_schedule_starts_from_the_edit() -> None:
    edited_at = utc("2026-11-22 10:17")
    for schedule in (daily("0 10 * * *", "UTC"), daily("0 9 * * *", "Asia/Tokyo"), daily("*/5 * * * *")):
        found = next_tick(schedule, edited_at)
        assert found is not None
        assert found > edited_at


def test_t13_asking_again_after_the_clock_was_set_back_gives_the_same_ticks() -> None:
    hourly = daily("0 * * * *")
    first = ticks(hourly, utc("2026-11-22 10:30"), 3)
    assert ticks(hourly, utc("2026-11-22 08:30"), 5)[2:] == first


def test_start_and_end_are_included_and_bound_everything() -> None:
    bounded = daily("0 * * * *", "UTC", start=utc("2026-11-22 10:00"), end=utc("2026-11-22 12:00"))
    assert ticks(bounded, utc("2020-01-01"), 9) == [utc(f"2026-11-22 {hour}:00") for hour in (10, 11, 12)]
    assert next_tick(bounded, utc("2026-11-22 12:00")) is None


def test_without_repeat_there_is_one_run_at_the_start() -> None:
    once = Schedule(zone="Europe/Berlin", start=utc("2026-11-22 10:00:30"), repeat=False)
    assert ticks(once, utc("2020-01-01"), 9) == [utc("2026-11-22 10:00:30")]
    assert next_tick(once, utc("2026-11-22 10:00:30")) is None


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"zone": "Europe/Bärlin"}, "zone"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"zone": "Europe"}, "zone"),
        ({"zone": "right/Europe/Berlin"}, "zone"),
        ({"zone": ""}, "zone"),
        ({"start": utc("2026-11-22").replace(tzinfo=None)}, "start"),
        ({"end": utc("2026-11-22").replace(tzinfo=None)}, "end"),
        ({"start": utc("2026-11-22"), "end": utc("2026-11-21")}, "end"),
        ({"start": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))}, "start"),
        ({"start": utc("1969-12-31 23:59")}, "start"),
        ({"start": utc("9990-01-01")}, "start"),
        ({"repeat": False}, "start"),
        ({"repetition": None}, "schedule"),
        ({"repetition": Every(2, IntervalUnit.DAYS)}, "start"),
        ({"excluded_weekdays": frozenset(Weekday)}, "excluded_weekdays"),
        ({"repeat": False, "start": utc("2026-11-22"), "excluded_weekdays": {Weekday.SUN}}, "excluded_weekdays"),
        ({"repetition": parse_cron("0 0 * * SUN"), "excluded_weekdays": frozenset({Weekday.SUN})}, "schedule"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_its_field(options: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Schedule(**{"repetition": parse_cron("0 0 * * *"), **options})  # type: ignore[arg-type]
    assert refusal.value.field == field


def test_a_moment_without_zone_is_refused_and_the_ends_of_time_are_quiet() -> None:
    schedule = daily("0 0 * * *")
    with pytest.raises(Invalid) as refusal:
        next_tick(schedule, utc("2026-11-22").replace(tzinfo=None))
    assert refusal.value.field == "after"
    assert next_tick(schedule, datetime.max.replace(tzinfo=ZoneInfo("UTC"))) is None
    assert next_tick(schedule, datetime.min.replace(tzinfo=ZoneInfo("UTC"))) == utc("1970-01-01 23:00")
    assert next_tick(schedule, datetime(9989, 12, 31, 23, 30, tzinfo=ZoneInfo("UTC"))) is None

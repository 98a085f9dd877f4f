"""Schedules on the wire and as documents: every client's forms are read, and nothing is lost on the way back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.schedule.oracle import utc

from gristmill.domain.cron import Cron, parse_cron
from gristmill.domain.errors import Invalid
from gristmill.domain.interval import Every, IntervalUnit
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import FoldPolicy, GapPolicy, MissedPolicy, OverlapPolicy, Schedule
from gristmill.domain.schedule_document import of_document, to_document
from gristmill.domain.schedule_wire import of_wire, to_wire
from gristmill.domain.tick import ticks

NEW_YEAR_2027 = 1798797600000
WEEKEND = frozenset({Weekday.SAT, Weekday.SUN})
EXPRESSIONS = [
    "*/15 * * * *",
    "5 * * * *",
    "30 9 * * *",
    "0 0 * * 1",
    "30 23 * * 1,2,3,4,5",
    "0 6 1 * *",
    "0 6 L * *",
    "15 8-18 * * MON-FRI",
    "0 12 13 * FRI",
    "0 0 3 ? 1 MON-FRI 2027",
]
SCHEDULES = st.builds(
    Schedule,
    repetition=st.one_of(
        st.sampled_from(EXPRESSIONS).map(parse_cron),
        st.builds(Every, st.integers(1, 100), st.sampled_from(IntervalUnit)),
    ),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo", "America/St_Johns", "Pacific/Chatham"]),
    start=st.integers(0, 10**12).map(lambda number: datetime.fromtimestamp(number / 1000, UTC).replace(microsecond=0)),
    end=st.none() | st.just(utc("2037-01-01")),
    gap=st.sampled_from(GapPolicy),
    fold=st.sampled_from(FoldPolicy),
    missed=st.sampled_from(MissedPolicy),
    overlap=st.sampled_from(OverlapPolicy),
)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@given(SCHEDULES)
def test_every_schedule_comes_back_from_the_wire(schedule: Schedule) -> None:
    text, info = to_wire(schedule, at=utc("2026-11-22"))
    assert len(text.split()) == 5
    back = of_wire(text, through_json(info))
    assert back is not None
    assert through_json(to_wire(back, at=utc("2026-11-22"))) == through_json((text, info))
    assert ticks(back, utc("2026-11-22"), 5) == ticks(schedule, utc("2026-11-22"), 5)
    assert (back.zone, back.start, back.end) == (schedule.zone, schedule.start, schedule.end)


@given(SCHEDULES)
def test_every_schedule_comes_back_from_its_document(schedule: Schedule) -> None:
    assert of_document(through_json(to_document(schedule))) == schedule


@pytest.mark.parametrize(
    "text",
    ["*/15 * * * *", "5 * * * *", "30 9 * * *", "30 9 * * 0", "0 6 31 * *", "30 9 * * 1,2,3,4,5", "*/5 * * * 0,6"],
)
def test_the_clients_forms_go_through_unchanged(text: str) -> None:
    info = {"repeat": True, "startOn": NEW_YEAR_2027, "endOn": NEW_YEAR_2027 + 1}
    read = of_wire(text, info)
    assert read is not None
    assert read.start == utc("2027-01-01 10:00")
    assert to_wire(read) == (text, info)


def test_a_list_of_weekdays_is_read_as_the_excluded_ones() -> None:
    read = of_wire("30 9 * * 1,2,3,4,5", {"repeat": True})
    assert read == Schedule(repetition=parse_cron("30 9 * * *"), excluded_weekdays=WEEKEND)
    assert to_wire(read)[0] == "30 9 * * 1,2,3,4,5"
    weekly = of_wire("30 9 * * 1", None)
    assert weekly == Schedule(repetition=parse_cron("30 9 * * 1"))


@pytest.mark.parametrize(("text", "info"), [("", {}), ("", None), (None, None), ("  ", {"repeat": False})])
def test_an_empty_schedule_is_none(text: str | None, info: dict[str, Any] | None) -> None:
    assert of_wire(text, info) is None
    assert to_wire(None) == ("", {})


@pytest.mark.parametrize("text", ["", None, "30 9 * * *"])
def test_without_repeat_the_start_is_the_only_run(text: str | None) -> None:
    once = of_wire(text, {"repeat": False, "startOn": NEW_YEAR_2027, "endOn": None})
    assert once == Schedule(start=utc("2027-01-01 10:00"), repeat=False)
    assert to_wire(once) == ("", {"repeat": False, "startOn": NEW_YEAR_2027})


def test_a_zone_stands_beside_the_closest_utc_form() -> None:
    office = Schedule(repetition=parse_cron("30 9 * * MON-FRI"), zone="Europe/Berlin")
    text, info = to_wire(office, at=utc("2026-11-22"))
    assert text == "30 8 * * MON-FRI"
    assert info["timezone"] == "Europe/Berlin"
    assert info["rule"] == {"schedule": text, "cron": "30 9 * * MON-FRI"}
    assert to_wire(office, at=utc("2026-07-22"))[0] == "30 7 * * MON-FRI"
    assert of_wire(text, info) == office


def test_a_client_that_changes_the_utc_form_overrules_the_rule() -> None:
    _, info = to_wire(Schedule(repetition=parse_cron("30 9 * * *"), zone="Europe/Berlin"), at=utc("2026-11-22"))
    assert of_wire("0 12 * * *", info) == Schedule(repetition=parse_cron("0 12 * * *"), zone="UTC")


def test_a_client_that_takes_the_schedule_away_takes_the_rule_with_it() -> None:
    _, info = to_wire(Schedule(repetition=parse_cron("30 9 * * *"), zone="Europe/Berlin"))
    assert of_wire("", info) is None
    assert of_wire(None, info) is None


def test_a_client_may_state_the_rule_alone() -> None:
    info = {"startOn": NEW_YEAR_2027, "timezone": "Asia/Tokyo", "rule": {"every": {"number": 3, "unit": "days"}}}
    three_days = Schedule(repetition=Every(3, IntervalUnit.DAYS), start=utc("2027-01-01 10:00"), zone="Asia/Tokyo")
    assert of_wire("", info) == three_days
    rule = {"excluded_weekdays": ["SAT", "SUN"], "fold": "both"}
    assert of_wire("30 2 * * *", {"timezone": "Europe/Berlin", "rule": rule}) == Schedule(
        repetition=parse_cron("30 2 * * *"), zone="Europe/Berlin", excluded_weekdays=WEEKEND, fold=FoldPolicy.BOTH
    )


def test_an_end_as_far_as_dates_go_is_taken() -> None:
    forever = of_wire("0 0 * * *", {"endOn": 253_402_300_799_000})
    assert forever is not None
    assert len(ticks(forever, utc("2026-11-22"), 3)) == 3


def test_an_expression_with_a_timezone_is_read_in_it() -> None:
    office = Schedule(repetition=parse_cron("30 9 * * *"), zone="Europe/Berlin")
    assert of_wire("30 9 * * *", {"timezone": "Europe/Berlin"}) == office
    assert of_wire("30 9 * * *", {}, "Europe/Berlin") == office


@pytest.mark.parametrize(
    ("text", "zone", "excluded", "expected"),
    [
        ("0 8 * * *", "Asia/Tokyo", frozenset(), "0 23 * * *"),
        ("0 8 * * MON", "Asia/Tokyo", frozenset(), "0 23 * * 0"),
        ("0 8 * * *", "Asia/Tokyo", WEEKEND, "0 23 * * 0,1,2,3,4"),
        ("0 22 * * 5", "America/Bogota", frozenset(), "0 3 * * 6"),
        ("0 8 1 * *", "Asia/Tokyo", frozenset(), "0 23 L * *"),
        ("0 22 L * *", "America/Bogota", frozenset(), "0 3 1 * *"),
        ("0 22 30,31 * *", "America/Bogota", frozenset(), "0 3 1,31 * *"),
        ("*/15 * * * *", "Asia/Kathmandu", frozenset(), "*/15 * * * *"),
        ("0 * * * *", "Asia/Kathmandu", frozenset(), "15 * * * *"),
        ("30 9 * * *", "Asia/Kolkata", frozenset(), "0 4 * * *"),
        ("*/20 8 * * *", "Asia/Kolkata", frozenset(), "10,30,50 2 * * *"),
        ("0 8 13 * *", "UTC", WEEKEND, "0 8 13 * *"),
    ],
)
def test_the_closest_utc_form(text: str, zone: str, excluded: frozenset[Weekday], expected: str) -> None:
    schedule = Schedule(repetition=parse_cron(text), zone=zone, excluded_weekdays=excluded)
    assert to_wire(schedule)[0] == expected


@pytest.mark.parametrize(
    "text", ["0 8 * * *", "0 8 * * MON,WED", "0 8 1 * *", "0 20 L * *", "*/7 * * * *", "45 * * * *"]
)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Asia/Kolkata", "America/Bogota", "Etc/GMT+12", "Pacific/Kiritimati"])
def test_where_the_offset_never_changes_and_cron_can_say_it_the_utc_form_is_exact(text: str, zone: str) -> None:
    local = Schedule(repetition=parse_cron(text), zone=zone)
    said = Schedule(repetition=parse_cron(to_wire(local)[0]))
    assert ticks(said, utc("2026-11-22"), 400) == ticks(local, utc("2026-11-22"), 400)


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        (1, "minutes", "* * * * *"),
        (20, "minutes", "*/20 * * * *"),
        (180, "minutes", "15 */3 * * *"),
        (1, "hours", "15 * * * *"),
        (2, "hours", "15 */2 * * *"),
        (48, "hours", "15 9 * * *"),
        (3, "days", "15 9 * * *"),
        (2, "weeks", "15 9 * * 1"),
        (1, "months", "15 9 23 * *"),
    ],
)
def test_intervals_have_a_closest_form_and_come_back_whole(number: int, unit: str, expected: str) -> None:
    schedule = Schedule(repetition=Every(number, IntervalUnit(unit)), start=utc("2026-11-23 09:15"))
    text, info = to_wire(schedule)
    assert text == expected
    assert info["rule"]["every"] == {"number": number, "unit": unit}
    assert of_wire(text, info) == schedule


@pytest.mark.parametrize(
    ("text", "info", "field"),
    [
        ("61 * * * *", {}, "schedule"),
        (7, {}, "schedule"),
        ("", {"repeat": True}, "schedule"),
        (None, {"repeat": True, "startOn": NEW_YEAR_2027}, "schedule"),
        ("0 0 * * *", {"repeat": "yes"}, "schedule_info.repeat"),
        ("0 0 * * *", {"repeat": False}, "schedule_info.startOn"),
        ("0 0 * * *", {"startOn": "2027-01-01"}, "schedule_info.startOn"),
        ("0 0 * * *", {"startOn": True}, "schedule_info.startOn"),
        ("0 0 * * *", {"startOn": float("nan")}, "schedule_info.startOn"),
        ("0 0 * * *", {"endOn": -1}, "schedule_info.endOn"),
        ("0 0 * * *", {"endOn": 10**18}, "schedule_info.endOn"),
        ("0 0 * * *", {"startOn": NEW_YEAR_2027, "endOn": 1}, "end"),
        ("0 0 * * *", {"timezone": 3}, "schedule_info.timezone"),
        ("0 0 * * *", {"timezone": "Mars/Olympus"}, "schedule_info.timezone"),
        ("0 0 * * *", {"rule": []}, "schedule_info.rule"),
        ("0 0 * * *", {"rule": {"gap": "jump"}}, "gap"),
        ("", {"rule": {"every": {"number": 0, "unit": "days"}}, "startOn": NEW_YEAR_2027}, "schedule"),
        ("0 0 * * *", {"startOn": 253_402_300_799_000}, "start"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_member(text: Any, info: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        of_wire(text, info)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "schedule"),
        ({"cron": 5}, "cron"),
        ({"cron": "0 0 * * *", "every": {"number": 1, "unit": "days"}}, "schedule"),
        ({"every": 3}, "every"),
        ({"every": {"number": True, "unit": "days"}}, "every"),
        ({"every": {"number": 1, "unit": "fortnights"}}, "every"),
        ({"every": {"number": 1, "unit": []}}, "every"),
        ({"cron": "0 0 * * *", "start": "tomorrow"}, "start"),
        ({"cron": "0 0 * * *", "start": "2026-11-22T09:30:00"}, "start"),
        ({"cron": "0 0 * * *", "repeat": 1}, "repeat"),
        ({"cron": "0 0 * * *", "excluded_weekdays": "MON"}, "excluded_weekdays"),
        ({"cron": "0 0 * * *", "excluded_weekdays": ["Monday"]}, "excluded_weekdays"),
        ({"cron": "0 0 * * *", "missed": "some"}, "missed"),
    ],
)
def test_a_malformed_document_is_refused_with_its_field(document: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        of_document(document)
    assert refusal.value.field == field


def test_starts_keep_their_milliseconds() -> None:
    start = datetime(2027, 1, 1, 9, 0, 0, 123_000, tzinfo=ZoneInfo("Europe/Berlin"))
    schedule = Schedule(repetition=parse_cron("0 0 * * *"), start=start)
    assert of_wire(*to_wire(schedule)) == schedule
    assert isinstance(schedule.repetition, Cron)

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer

from gristmill.cli import schedule_options
from gristmill.cli.schedule_options import ScheduleOptions
from gristmill.domain.cron import parse_cron
from gristmill.domain.interval import Every, IntervalUnit
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import GapPolicy, MissedPolicy, OverlapPolicy, Schedule
from gristmill.domain.schedule_wire import of_wire
from gristmill.domain.tick import ticks

NOW = datetime(2026, 11, 22, 8, 35, 44, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def schedule(now: datetime = NOW, **options: Any) -> Schedule:
    found = ScheduleOptions(**options).schedule(now)
    assert found is not None
    return found


def test_a_weekday_job_in_its_own_zone() -> None:
    made = schedule(cron="30 7 * * 1-5", zone=BERLIN)
    assert made == Schedule(repetition=parse_cron("30 7 * * 1-5"), zone=BERLIN)
    by_wire = of_wire("30 7 * * 1-5", {"repeat": True, "timezone": BERLIN})
    assert made == by_wire


@pytest.mark.parametrize(
    "options",
    [
        {"cron": "30 7 * * 1-5", "zone": BERLIN},
        {"cron": "*/15 * * * *", "start": "2026-12-01", "end": "2026-12-24"},
        {"every": "3 days", "at": "07:00", "exclude": "sat,sun", "zone": BERLIN, "missed": MissedPolicy.ALL},
        {"every": "20 hours", "overlap": OverlapPolicy.SKIP},
        {"every": "month", "start": "2026-12-31 06:00", "zone": "America/New_York", "gap": GapPolicy.SKIP},
        {"once": "2026-12-31 06:00", "zone": BERLIN},
    ],
)
def test_the_wire_has_all_of_it(options: dict[str, Any]) -> None:
    """A member that the wire loses, or an interval that a patch would take for the end of a schedule, fails here."""
    made = schedule(**options)
    wire = schedule_options.wire(made, NOW)
    assert of_wire(wire["schedule"], wire["schedule_info"]) == made
    assert bool(wire["schedule"]) == made.repeat


def test_an_interval_begins_at_the_next_time_of_day_of_its_zone() -> None:
    later = schedule(every="1 day", at="10:00", zone=BERLIN)
    assert (later.start, later.repetition) == (datetime(2026, 11, 22, 9, tzinfo=UTC), Every(1, IntervalUnit.DAYS))
    assert schedule(every="1 day", at="07:00", zone=BERLIN).start == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert schedule(every="15 minutes").start == datetime(2026, 11, 22, 8, 36, tzinfo=UTC)
    given = schedule(every="2 weeks", at="06:00", start="2027-01-04", zone=BERLIN)
    assert given.start == datetime(2027, 1, 4, 5, tzinfo=UTC)


def test_an_interval_does_not_begin_at_a_time_that_the_clocks_leave_out() -> None:
    """Counted from 03:30, where the clock stood that night, it would run at 03:30 for ever."""
    before = datetime(2027, 3, 27, 12, tzinfo=UTC)
    made = schedule(before, every="1 day", at="02:30", zone=BERLIN)
    assert {tick.astimezone(made.clock.zone).strftime("%H:%M") for tick in ticks(made, before, 5)} == {"02:30"}


def test_days_and_times_are_of_the_zone_and_an_end_is_the_whole_day() -> None:
    made = schedule(cron="0 * * * *", start="2026-12-01", end="2026-12-02", zone=BERLIN)
    assert made.start == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert made.end == datetime(2026, 12, 2, 22, 59, 59, tzinfo=UTC)
    assert schedule(once="2026-12-01T09:30+05:00").start == datetime(2026, 12, 1, 4, 30, tzinfo=UTC)


def test_weekdays_in_all_spellings() -> None:
    wanted = frozenset({Weekday.SAT, Weekday.SUN})
    assert schedule(cron="0 7 * * *", exclude="sat, Sunday").excluded_weekdays == wanted


def test_no_options_are_no_schedule() -> None:
    assert ScheduleOptions().schedule(NOW) is None
    assert schedule_options.wire(None, NOW) == {}
    assert [each["value"] for each in schedule_options.changes({})] == ["", None]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"cron": "61 7 * * *"}, "--cron"),
        ({"cron": "0 0 30 2 *"}, "--cron"),
        ({"every": "now and then"}, "--every"),
        ({"every": "0 days"}, "--every"),
        ({"every": "99999 months"}, "--every"),
        ({"every": "1 day", "at": "7 o'clock"}, "--at"),
        ({"every": "1 day", "at": "07:00+01:00"}, "--at"),
        ({"cron": "0 7 * * *", "at": "07:00"}, "--at"),
        ({"every": "1 day", "at": "07:00", "start": "2026-12-01 08:00"}, "--start"),
        ({"every": "1 day", "at": "02:30", "start": "2027-03-28", "zone": BERLIN}, "--start"),
        ({"cron": "0 7 * * *", "zone": "Berlin/Mitte"}, "--zone"),
        ({"cron": "0 7 * * *", "exclude": "someday"}, "--exclude"),
        ({"cron": "0 7 * * *", "exclude": "mon,tue,wed,thu,fri,sat,sun"}, "--exclude"),
        ({"cron": "0 7 * * *", "start": "tomorrow"}, "--start"),
        ({"cron": "0 7 * * *", "start": "2026-12-02", "end": "2026-12-01"}, "--end"),
        ({"cron": "0 7 * * *", "end": "9999-12-31", "zone": "America/New_York"}, "--end"),
        ({"once": "2026-12-01"}, "--once"),
        ({"once": "2027-03-28 02:30", "zone": BERLIN}, "--once"),
        ({"once": "2026-12-05 09:00", "exclude": "sat"}, "--exclude"),
        ({"once": "2026-12-01 09:00", "start": "2026-12-01"}, "--start"),
    ],
)
def test_a_schedule_that_is_none_names_the_option(options: dict[str, Any], option: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        ScheduleOptions(**options).schedule(NOW)
    assert refused.value.param_hint == option, refused.value.message


@pytest.mark.parametrize("options", [{"zone": BERLIN}, {"cron": "0 7 * * *", "every": "1 day"}, {"at": "07:00"}])
def test_one_option_says_what_repeats(options: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter, match="--cron, --every and --once"):
        ScheduleOptions(**options).schedule(NOW)


def test_a_tick_is_where_the_options_say() -> None:
    made = schedule(every="1 day", at="07:00", exclude="sat,sun", zone=BERLIN)
    found = [tick.astimezone(made.clock.zone) for tick in ticks(made, NOW, 300)]
    assert {(tick.hour, tick.minute) for tick in found} == {(7, 0)}
    assert {tick.weekday() for tick in found} == {0, 1, 2, 3, 4}
    assert found[-1] - found[0] > timedelta(days=400)

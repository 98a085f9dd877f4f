"""Clocks of zones: every shift is found where zoneinfo has it, and new time zone data can be taken up."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.schedule.oracle import transitions, utc
from tests.unit.schedule.test_ticks import ZONES

from gristmill.domain.cron import parse_cron
from gristmill.domain.schedule import Schedule
from gristmill.domain.tick import next_tick
from gristmill.domain.zone_clock import forget_zones, zone_clock


@settings(max_examples=40, deadline=None)
@given(zone=st.sampled_from(ZONES), year=st.integers(2000, 2037))
@example(zone="America/Recife", year=2000)
@example(zone="Africa/Casablanca", year=2012)
def test_every_shift_is_found(zone: str, year: int) -> None:
    found, seek, end = [], utc(f"{year}-01-01").replace(tzinfo=None), utc(f"{year}-12-31").replace(tzinfo=None)
    clock = zone_clock(zone)
    while shift := clock.shift_from(seek, until=end):
        found.append(shift)
        seek = shift.at.replace(second=1)
    assert tuple(shift.at for shift in found) == tuple(
        at.replace(tzinfo=None) for at in transitions(zone, year) if at < utc(f"{year}-12-31")
    )
    assert all(clock.shift_before(shift.at.replace(second=1)) == shift for shift in found)


def test_every_zone_is_known_and_has_a_midday() -> None:
    for zone in ZONES:
        midday = next_tick(Schedule(repetition=parse_cron("0 12 * * *"), zone=zone), utc("2026-11-22 12:00"))
        assert midday is not None
        assert midday.astimezone(ZoneInfo(zone)).strftime("%H:%M") == "12:00", zone


def test_t15_zones_are_read_anew_after_forgetting() -> None:
    schedule = Schedule(repetition=parse_cron("0 12 * * *"), zone="Europe/Berlin")
    before, clock = next_tick(schedule, utc("2026-11-22")), schedule.clock
    forget_zones()
    assert schedule.clock is not clock
    assert schedule.clock.zone is not clock.zone
    assert next_tick(schedule, utc("2026-11-22")) == before

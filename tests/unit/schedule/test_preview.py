"""What people are told before a clock change does something to their schedule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.schedule.oracle import utc

from gristmill.domain.cron import parse_cron
from gristmill.domain.interval import Every, IntervalUnit
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import FoldPolicy, GapPolicy, Schedule
from gristmill.domain.tick import ticks
from gristmill.domain.tick_preview import PREVIEWED, preview

SPRING, AUTUMN = utc("2026-03-28 12:00"), utc("2026-10-24 12:00")
MISSING = "02:30 does not exist on"
TWICE = "02:30 comes twice on this day in Europe/Berlin"


def berlin(text: str, **options: object) -> Schedule:
    return Schedule(repetition=parse_cron(text), zone="Europe/Berlin", **options)  # type: ignore[arg-type]


def test_a_preview_is_the_ticks_in_local_time() -> None:
    found = preview(berlin("30 9 * * *"), SPRING)
    assert [tick.at for tick in found] == ticks(berlin("30 9 * * *"), SPRING, PREVIEWED)
    assert {tick.local.strftime("%H:%M") for tick in found} == {"09:30"}
    assert {tick.note for tick in found} == {None}
    assert all(tick.local == tick.at for tick in found)


@pytest.mark.parametrize(
    ("schedule", "after", "note"),
    [
        (berlin("30 2 * * *"), SPRING, f"{MISSING} this day in Europe/Berlin; runs at 03:00"),
        (berlin("30 2 * * *", gap=GapPolicy.SKIP), SPRING, f"{MISSING} 2026-03-29 in Europe/Berlin; it is left out"),
        (
            berlin("0 */2 * * *"),
            utc("2026-03-29 00:30"),
            "02:00 does not exist on 2026-03-29 in Europe/Berlin; it is left out",
        ),
        (berlin("30 2 * * *"), AUTUMN, f"{TWICE}; runs the first time only"),
        (berlin("30 2 * * *", fold=FoldPolicy.SECOND), AUTUMN, f"{TWICE}; runs the second time only"),
        (berlin("30 2 * * *", fold=FoldPolicy.BOTH), AUTUMN, f"{TWICE}; this is the first time"),
        (berlin("30 * * * *"), utc("2026-10-25 01:00"), f"{TWICE}; this is the second time"),
        (berlin("30 * * * *"), utc("2026-03-29 00:45"), None),
        (
            Schedule(repetition=parse_cron("30 9 * * *"), zone="Pacific/Apia"),
            utc("2011-12-30 00:00"),
            "09:30 does not exist on 2011-12-30 in Pacific/Apia; runs at 2011-12-31 00:00",
        ),
        (
            Schedule(
                repetition=parse_cron("30 23 * * *"), zone="America/Nuuk", excluded_weekdays=frozenset({Weekday.SUN})
            ),
            SPRING,
            "23:30 does not exist on 2026-03-28 in America/Nuuk; it is left out",
        ),
    ],
)
def test_a_note_says_what_the_clock_change_does(schedule: Schedule, after: object, note: str | None) -> None:
    assert preview(schedule, after, 1)[0].note == note  # type: ignore[arg-type]


def test_only_the_tick_concerned_has_a_note() -> None:
    notes = [tick.note is not None for tick in preview(berlin("30 2 * * *"), SPRING - timedelta(days=2), 6)]
    assert notes == [False, False, True, False, False, False]
    both = preview(berlin("30 2 * * *", fold=FoldPolicy.BOTH), AUTUMN, 3)
    assert [tick.note is not None for tick in both] == [True, True, False]


def test_elapsed_time_and_single_runs_need_no_notes() -> None:
    elapsed = Schedule(repetition=Every(30, IntervalUnit.MINUTES), zone="Europe/Berlin", start=AUTUMN)
    assert {tick.note for tick in preview(elapsed, AUTUMN, 40)} == {None}
    once = Schedule(zone="Europe/Berlin", start=AUTUMN, repeat=False)
    assert [tick.note for tick in preview(once, SPRING)] == [None]

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gristmill.domain.cron import parse_cron
from gristmill.domain.interval import Every, IntervalUnit
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import Schedule
from gristmill.domain.schedule_words import in_words

START = datetime(2026, 11, 28, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 2 * * *", "Every day at 02:00"),
        ("30 7 * * 1-5", "Monday to Friday at 07:30"),
        ("0 3 * * MON", "Mondays at 03:00"),
        ("0 3,15 * * 6,0", "Sundays and Saturdays at 03:00 and 15:00"),
        ("0 0 1 * *", "On day 1 of every month at 00:00"),
        ("0 0 L * *", "On the last day of every month at 00:00"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("5 * * * *", "Every hour at :05"),
        ("0 */6 * * *", "Every 6 hours at :00"),
        ("* * * * *", "Every minute"),
        ("*/10 * * * 1-5", "Monday to Friday, every 10 minutes"),
        ("0 2 1 * 1", "Cron 0 2 1 * 1"),
        ("0 2 * 3 *", "Cron 0 2 * 3 *"),
        ("0-30 2 * * *", "Cron 0-30 2 * * *"),
    ],
)
def test_cron_expressions(expression: str, words: str) -> None:
    assert in_words(Schedule(repetition=parse_cron(expression))) == words


def test_intervals() -> None:
    assert in_words(Schedule(repetition=Every(1, IntervalUnit.DAYS), start=START)) == "Every day"
    assert in_words(Schedule(repetition=Every(15, IntervalUnit.MINUTES), start=START)) == "Every 15 minutes"


def test_one_run_is_told_in_its_own_zone() -> None:
    once = Schedule(repeat=False, start=START, zone="Europe/Berlin")
    assert in_words(once) == "Once, 28 Nov 2026 at 08:30"


def test_excluded_weekdays_are_said() -> None:
    left_out = frozenset({Weekday.SUN, Weekday.SAT})
    schedule = Schedule(repetition=parse_cron("0 2 * * *"), excluded_weekdays=left_out)
    assert in_words(schedule) == "Every day at 02:00, not on Saturday and Sunday"

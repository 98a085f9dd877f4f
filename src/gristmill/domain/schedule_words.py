"""A schedule in words, as short as a cell of a table; what has no short words is shown as its expression."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from gristmill.domain.cron import Cron
from gristmill.domain.interval import Every
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import Schedule

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_WORKDAYS = (1, 2, 3, 4, 5)
_MOST_TIMES = 3


def in_words(schedule: Schedule) -> str:
    """Return words such as ``Every day at 02:00`` or ``Every 15 minutes, not on Saturday``; the zone is not in them."""
    if not schedule.repeat:
        assert schedule.start is not None, "a schedule without repetition has a start"
        return f"Once, {schedule.start.replace(tzinfo=UTC).astimezone(ZoneInfo(schedule.zone)):%d %b %Y at %H:%M}"
    words = _repetition(schedule.repetition)
    left_out = sorted(schedule.excluded_weekdays)
    return f"{words}, not on {_listed([_name(day) for day in left_out])}" if left_out else words


def _repetition(repetition: Cron | Every | None) -> str:
    match repetition:
        case Every(number=1, unit=unit):
            return f"Every {unit.removesuffix('s')}"
        case Every(number=number, unit=unit):
            return f"Every {number} {unit}"
        case Cron() as cron:
            return _cron(cron)
        case None:
            raise AssertionError("a schedule that repeats has a repetition")


def _cron(cron: Cron) -> str:
    when = _times(cron)
    day = _day(cron)
    if when is None or day is None or cron.years is not None or not cron.month.wildcard:
        return f"Cron {cron.expression}"
    if when.startswith("every"):
        return when.capitalize() if day == "Every day" else f"{day}, {when}"
    return f"{day} {when}"


def _times(cron: Cron) -> str | None:
    """Return when on a day it runs: at times that are few, or every so many minutes or hours."""
    minutes, hours = cron.minute, cron.hour
    if hours.text == "*" and minutes.text == "*":
        return "every minute"
    if hours.text == "*" and minutes.text.startswith("*/"):
        return f"every {minutes.text[2:]} minutes"
    if hours.text == "*" and len(minutes.values) == 1:
        return f"every hour at :{minutes.values[0]:02}"
    if hours.text.startswith("*/") and len(minutes.values) == 1:
        return f"every {hours.text[2:]} hours at :{minutes.values[0]:02}"
    if len(hours.values) * len(minutes.values) <= _MOST_TIMES:
        return f"at {_listed([f'{hour:02}:{minute:02}' for hour in hours.values for minute in minutes.values])}"
    return None


def _day(cron: Cron) -> str | None:
    """Return on which days it runs; None where days of the month and weekdays mix, or are many."""
    if cron.weekday.wildcard and cron.day.wildcard and not cron.last_day:
        return "Every day"
    if cron.day.wildcard and not cron.last_day:
        return _weekdays(cron.weekday.values)
    if cron.weekday.wildcard and cron.last_day and not cron.day.values:
        return "On the last day of every month"
    if cron.weekday.wildcard and len(cron.day.values) == 1 and not cron.last_day:
        return f"On day {cron.day.values[0]} of every month"
    return None


def _weekdays(values: tuple[int, ...]) -> str:
    return "Monday to Friday" if values == _WORKDAYS else _listed([f"{_DAYS[day]}s" for day in values])


def _name(day: Weekday) -> str:
    return _DAYS[(day + 1) % 7]


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

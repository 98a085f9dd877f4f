"""The five-field UTC expression that comes closest to a schedule, for clients that know no other form."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from gristmill.domain.cron import Cron, CronField, parse_cron
from gristmill.domain.interval import Every, IntervalUnit
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import Schedule, naive

_MINUTE = timedelta(minutes=1)


def closest_utc_cron(schedule: Schedule, at: datetime) -> str:
    """Return the expression that is right at a moment, as far as cron can say it; "" for one run.

    It is exact for a cron expression in UTC without years whose excluded weekdays can be written as the included ones.
    Elsewhere it knows only today's offset, moves days with most of their hours, and counts intervals from the hour, day
    or month that they begin with.
    """
    match schedule.repetition if schedule.repeat else None:
        case Cron() as cron:
            local = cron
        case Every() as every if schedule.start:
            local = parse_cron(_interval_cron(every, schedule.clock.local(naive(schedule.start))))
        case _:
            return ""
    return _in_utc(
        local, offset=schedule.clock.offset_at(naive(at.astimezone(UTC))), excluded=schedule.excluded_weekdays
    )


def _interval_cron(every: Every, start: datetime) -> str:
    minute, hour, number = start.minute, start.hour, every.number
    match every.unit:
        case IntervalUnit.MINUTES if number < 60:
            return f"*/{number} * * * *" if number > 1 else "* * * * *"
        case IntervalUnit.HOURS if number < 24:
            return f"{minute} */{number} * * *" if number > 1 else f"{minute} * * * *"
        case IntervalUnit.MINUTES if number < 24 * 60:
            return f"{minute} */{number // 60} * * *"
        case IntervalUnit.WEEKS:
            return f"{minute} {hour} * * {start.isoweekday() % 7}"
        case IntervalUnit.MONTHS:
            return f"{minute} {hour} {start.day} * *"
        case _:
            return f"{minute} {hour} * * *"


def _in_utc(cron: Cron, *, offset: timedelta, excluded: frozenset[Weekday]) -> str:
    shift = -(offset // _MINUTE)
    carry = (cron.minute.values[0] + shift) // 60
    days = (cron.hour.values[len(cron.hour.values) // 2] + carry) // 24
    return " ".join(
        [
            _moved(cron.minute, ((minute + shift) % 60 for minute in cron.minute.values)),
            _moved(cron.hour, ((hour + carry) % 24 for hour in cron.hour.values)),
            _moved_days(cron, days),
            cron.month.text,
            _moved_weekdays(cron, days, excluded),
        ]
    )


def _moved(field: CronField, values: Iterable[int]) -> str:
    """Return the field's own text where its values stay what they are."""
    found = sorted(values)
    return field.text if tuple(found) == field.values else ",".join(map(str, found))


def _moved_days(cron: Cron, days: int) -> str:
    if cron.day.starred or days == 0:
        return cron.day.text
    moved = {day + days for day in cron.day.values} | ({32} if cron.last_day and days > 0 else set())
    texts = {"L" if day == 0 else str(1 if day == 32 else day) for day in moved}
    if cron.last_day and days < 0:
        texts.add("L")
    return ",".join(sorted(texts, key=lambda text: (text == "L", text.zfill(2))))


def _moved_weekdays(cron: Cron, days: int, excluded: frozenset[Weekday]) -> str:
    if cron.weekday.starred and not cron.day.starred:
        # A list beside a named day of the month would mean either of the two.
        return cron.weekday.text
    out = {(weekday + 1) % 7 for weekday in excluded}
    return _moved(cron.weekday, ((weekday + days) % 7 for weekday in cron.weekday.values if weekday not in out))

"""Cron expressions: what they say, read once. `repetition.py` walks the days and times that they name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gristmill.domain.errors import Invalid

MOST_CHARACTERS = 500
FIRST_YEAR, LAST_YEAR = 1970, 2099

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CronField:
    """One field: its text and the sorted values that it stands for. Weekdays count from Sunday, 0 to 6."""

    text: str
    values: tuple[int, ...]
    wildcard: bool
    """A star, a step or every value: the field says how often, not when."""

    @property
    def starred(self) -> bool:
        """Whether the field begins with a star or is ``?``."""
        return self.text[0] in "*?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """A parsed expression. ``last_day`` is the ``L`` of its days; ``years`` is None unless there was a seventh field.

    A day of the month and a weekday that are both named match *either*, as in every cron; a field that begins with a
    star only narrows the other one.
    """

    expression: str
    minute: CronField
    hour: CronField
    day: CronField
    month: CronField
    weekday: CronField
    last_day: bool = False
    years: tuple[int, ...] | None = None

    def __hash__(self) -> int:
        return hash(self.expression)

    @property
    def either(self) -> bool:
        """Whether one of day and weekday is enough."""
        return not (self.day.starred or self.weekday.starred)

    @property
    def five_fields(self) -> str:
        """The expression without seconds and year."""
        return " ".join(field.text for field in (self.minute, self.hour, self.day, self.month, self.weekday))


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        if text.upper() in self.names:
            return self.names.index(text.upper()) + self.low
        if not (text.isascii() and text.isdecimal() and len(text) <= 4):
            raise _refused(self.name, text, f"write a number from {self.low} to {self.high}{self._or_name()}")
        value = int(text)
        if not self.low <= value <= self.most:
            raise _refused(self.name, text, f"it goes from {self.low} to {self.high}")
        return value

    @property
    def most(self) -> int:
        """The highest number that may be written: Sunday is 0, and 7 as well."""
        return 7 if self is _WEEKDAY else self.high

    def _or_name(self) -> str:
        return f" or a name ({self.names[0]}-{self.names[-1]})" if self.names else ""


_MINUTE = _Kind("minute", 0, 59)
_HOUR = _Kind("hour", 0, 23)
_DAY = _Kind("day of month", 1, 31)
_MONTH = _Kind("month", 1, 12, tuple(_MONTHS))
_WEEKDAY = _Kind("day of week", 0, 6, tuple(_WEEKDAYS))
_YEAR = _Kind("year", FIRST_YEAR, LAST_YEAR)


@lru_cache(maxsize=4096)
def parse_cron(expression: str) -> Cron:
    """Read ``minute hour day-of-month month day-of-week``, or the Quartz form with seconds (0) and perhaps a year.

    Lists, ranges, steps, ``JAN``-``DEC``, ``SUN``-``SAT``, ``7`` for Sunday, ``L`` for a month's last day, ``*``, and
    ``?`` for ``*``. The Quartz form must name its weekdays, because its numbers mean other days than cron's.

    Raises:
        Invalid: a part cannot be read (it is named), or no day ever matches.

    """
    parts = _parts(expression)
    quartz = len(parts) > 5
    if quartz and parts[0] not in {"0", "00"}:
        raise _refused("second", parts[0], "schedules run on whole minutes; write 0")
    minute, hour, day, month, weekday = parts[1:6] if quartz else parts
    if quartz and any(character.isdigit() for character in weekday.partition("/")[0]):
        raise _refused(
            "day of week", weekday, "its numbers differ between programs in this form; write names (MON-FRI)"
        )
    days, last_day = _days(day)
    cron = Cron(
        expression=" ".join(parts),
        minute=_field(_MINUTE, minute),
        hour=_field(_HOUR, hour),
        day=days,
        month=_field(_MONTH, month),
        weekday=_field(_WEEKDAY, weekday),
        last_day=last_day,
        years=_years(parts[6]) if len(parts) == 7 else None,
    )
    _refuse_impossible_days(cron)
    return cron


def _parts(expression: str) -> list[str]:
    if len(expression) > MOST_CHARACTERS:
        raise Invalid(f"The schedule is longer than {MOST_CHARACTERS} characters.", field="schedule")
    parts = expression.split()
    if len(parts) not in {5, 6, 7}:
        raise Invalid(
            f"schedule: {expression!r} has {len(parts)} fields; write five: minute, hour, day of month, month, "
            "day of week.",
            field="schedule",
        )
    return parts


def _days(text: str) -> tuple[CronField, bool]:
    parts = text.split(",")
    named = [part for part in parts if part.upper() != "L"]
    if len(named) == len(parts):
        return _field(_DAY, text), False
    values = _field(_DAY, ",".join(named)).values if named else ()
    return CronField(text=text.upper(), values=values, wildcard=False), True


def _years(text: str) -> tuple[int, ...] | None:
    return None if text == "*" else _field(_YEAR, text).values


def _field(kind: _Kind, text: str) -> CronField:
    if text == "?" and kind in {_DAY, _WEEKDAY}:
        return _field(kind, "*")
    values = {value for part in text.split(",") for value in _values(kind, part)}
    if kind is _WEEKDAY:
        values = {value % 7 for value in values}
    every = len(values) == kind.high - kind.low + 1
    wildcard = every or "*" in text or "/" in text
    return CronField(text=text.upper(), values=tuple(sorted(values)), wildcard=wildcard)


def _values(kind: _Kind, part: str) -> range:
    base, slash, step_text = part.partition("/")
    low, high = _bounds(kind, base)
    if not slash:
        return range(low, high + 1)
    if base != "*" and "-" not in base:
        high = kind.high
    if not (step_text.isascii() and step_text.isdecimal() and 0 < int(step_text[:5]) <= kind.high):
        raise _refused(kind.name, part, f"a step is a number from 1 to {kind.high}")
    return range(low, high + 1, int(step_text))


def _bounds(kind: _Kind, base: str) -> tuple[int, int]:
    if base == "*":
        return kind.low, kind.high
    first, dash, last = base.partition("-")
    low = kind.number(first)
    high = kind.number(last) if dash else low
    if kind is _WEEKDAY and dash and high == 0 < low:
        high = 7
    if high < low:
        raise _refused(kind.name, base, "the range goes backwards; write two ranges")
    return low, high


def _refuse_impossible_days(cron: Cron) -> None:
    longest = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    if cron.last_day or cron.either or not cron.day.values:
        return
    if all(cron.day.values[0] > longest.get(month, 31) for month in cron.month.values):
        raise _refused("day of month", cron.day.text, f"no such day in month {cron.month.text}, so it would never run")


def _refused(name: str, part: str, reason: str) -> Invalid:
    return Invalid(f"schedule: {name} {part!r}: {reason}.", field="schedule")

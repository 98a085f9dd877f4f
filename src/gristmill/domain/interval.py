"""Intervals: every so many minutes, hours, days, weeks or months, counted from a start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gristmill.domain.errors import Invalid
from gristmill.domain.repetition import LAST_INSTANT_YEAR, Weekday, month_shape

_DAY = timedelta(days=1)
_MOST_EXCLUDED_IN_A_ROW = 200


class IntervalUnit(StrEnum):
    """What an interval counts. Minutes and hours are elapsed time, the others go by the calendar and the wall clock."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


MOST_UNITS = {
    IntervalUnit.MINUTES: 10_080,
    IntervalUnit.HOURS: 8_784,
    IntervalUnit.DAYS: 3_660,
    IntervalUnit.WEEKS: 520,
    IntervalUnit.MONTHS: 120,
}


@dataclass(frozen=True, slots=True)
class Every:
    """Every ``number`` units, counted from the schedule's start.

    Months keep the start's day and take the month's last day where it is shorter: 31 January, 28 February, 31 March.

    Raises:
        Invalid: the number is below 1 or over ``MOST_UNITS``.

    """

    number: int
    unit: IntervalUnit

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MOST_UNITS[self.unit]:
            raise Invalid(
                f"schedule: every {self.number} {self.unit} is not between 1 and {MOST_UNITS[self.unit]}.",
                field="schedule",
            )

    @property
    def elapsed(self) -> timedelta | None:
        """The length of an interval of minutes or hours, None for the calendar's."""
        match self.unit:
            case IntervalUnit.MINUTES:
                return timedelta(minutes=self.number)
            case IntervalUnit.HOURS:
                return timedelta(hours=self.number)
            case _:
                return None


class CalendarRule:
    """The local times of an interval of days, weeks or months that come after its anchor, without excluded weekdays."""

    hours_named = True
    hours_matter = True
    times_named = True

    def __init__(self, every: Every, anchor: datetime, excluded: frozenset[Weekday]) -> None:
        self._every = every
        self._anchor = anchor
        self._excluded = excluded

    def at_or_after(self, wall: datetime) -> datetime | None:
        """Return the first time that is not before ``wall`` and comes after the anchor."""
        count = max(1, self._count_before(wall))
        for step in range(_MOST_EXCLUDED_IN_A_ROW):
            found = self._after_steps(count + step)
            if found is None or (found >= wall and found.weekday() not in self._excluded):
                return found
        return None

    def ever(self) -> bool:
        """Return whether the interval can leave the excluded weekdays."""
        return self.at_or_after(self._anchor) is not None

    def _count_before(self, wall: datetime) -> int:
        if self._every.unit is IntervalUnit.MONTHS:
            months = (wall.year - self._anchor.year) * 12 + wall.month - self._anchor.month
            return months // self._every.number
        return (wall - self._anchor) // (self._days * _DAY)

    def _after_steps(self, count: int) -> datetime | None:
        if self._every.unit is not IntervalUnit.MONTHS:
            days = count * self._days
            too_far = self._anchor.year + days // 365 >= LAST_INSTANT_YEAR
            return None if too_far else self._anchor + days * _DAY
        years, month = divmod(self._anchor.month - 1 + count * self._every.number, 12)
        year = self._anchor.year + years
        if year >= LAST_INSTANT_YEAR:
            return None
        day = min(self._anchor.day, month_shape(year, month + 1)[1])
        return self._anchor.replace(year=year, month=month + 1, day=day)

    @property
    def _days(self) -> int:
        return self._every.number * (7 if self._every.unit is IntervalUnit.WEEKS else 1)

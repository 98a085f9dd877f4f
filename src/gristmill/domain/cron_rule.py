"""The local times that a cron expression names, one after another."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from gristmill.domain.cron import Cron
from gristmill.domain.repetition import LAST_INSTANT_YEAR, Weekday, month_shape

_MINUTE = timedelta(minutes=1)
# The rarest dates, 29 February on one given weekday, are forty years apart around 2100.
_MOST_YEARS_APART = 41


@lru_cache(maxsize=4096)
def cron_rule(cron: Cron, excluded: frozenset[Weekday]) -> CronRule:
    """Return the rule of an expression; schedules with the same one share what it has worked out."""
    return CronRule(cron, excluded)


class CronRule:
    """The local times of a cron expression, without those on excluded weekdays."""

    def __init__(self, cron: Cron, excluded: frozenset[Weekday]) -> None:
        self.hours_named = not cron.hour.wildcard
        self.hours_matter = len(cron.hour.values) < 24
        self.times_named = self.hours_named and not cron.minute.wildcard
        self._cron = cron
        self._excluded = excluded
        self._first_time = time(cron.hour.values[0], cron.minute.values[0])
        self._days: dict[tuple[int, int], tuple[int, ...]] = {}

    def at_or_after(self, wall: datetime) -> datetime | None:
        """Return the first time that is not before ``wall``."""
        if wall.second or wall.microsecond:
            wall = wall.replace(second=0, microsecond=0) + _MINUTE
        day = self._day_from(wall.year, wall.month, wall.day)
        if day is not None and day == wall.date():
            found = self._time_from(wall.hour, wall.minute)
            if found is not None:
                return datetime.combine(day, found)
            day = self._day_from(wall.year, wall.month, wall.day + 1)
        return None if day is None else datetime.combine(day, self._first_time)

    def ever(self) -> bool:
        """Return whether any month, of the years named or of all, has a day that matches."""
        months = self._cron.month.values
        if self._cron.years is not None:
            return any(self._days_of(*month_shape(year, month)) for year in self._cron.years for month in months)
        lengths = {month_shape(year, month)[1] for year in (2023, 2024) for month in months}
        return any(self._days_of(first, length) for length in lengths for first in range(7))

    def _time_from(self, hour: int, minute: int) -> time | None:
        hours, minutes = self._cron.hour.values, self._cron.minute.values
        index = bisect_left(hours, hour)
        if index < len(hours) and hours[index] == hour:
            later = bisect_left(minutes, minute)
            if later < len(minutes):
                return time(hour, minutes[later])
            index += 1
        return time(hours[index], minutes[0]) if index < len(hours) else None

    def _day_from(self, year: int, month: int, day: int) -> date | None:
        for found_year, found_month in self._months_from(year, month):
            days = self._days_of(*month_shape(found_year, found_month))
            index = bisect_left(days, day) if found_month == month and found_year == year else 0
            if index < len(days):
                return date(found_year, found_month, days[index])
        return None

    def _months_from(self, year: int, month: int) -> Iterator[tuple[int, int]]:
        years, months = self._cron.years, self._cron.month.values
        for number in range(year, min(year + _MOST_YEARS_APART, LAST_INSTANT_YEAR) + 1):
            if years is None or number in years:
                for found in months:
                    if found >= month or number > year:
                        yield number, found

    def _days_of(self, first_weekday: int, length: int) -> tuple[int, ...]:
        """Return the days that match in a month of this shape; there are 28 shapes."""
        known = self._days.get((first_weekday, length))
        if known is None:
            days = (day for day in range(1, length + 1) if self._matches(day, (first_weekday + day - 1) % 7, length))
            known = self._days[first_weekday, length] = tuple(days)
        return known

    def _matches(self, day: int, weekday: int, length: int) -> bool:
        if weekday in self._excluded:
            return False
        by_day = day in self._cron.day.values or (self._cron.last_day and day == length)
        by_weekday = (weekday + 1) % 7 in self._cron.weekday.values
        return (by_day or by_weekday) if self._cron.either else (by_day and by_weekday)

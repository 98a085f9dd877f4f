"""What every repetition is: a series of local times. `cron_rule.py` and `interval.py` are the two kinds."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import Protocol

LAST_INSTANT_YEAR = 9990
"""Nothing is scheduled after this year, so that no arithmetic on dates can overflow."""


class Weekday(IntEnum):
    """A day of the week, counted as ``datetime.weekday()`` does."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6


class Rule(Protocol):
    """A series of local (naive) times."""

    hours_named: bool
    """A local time that a clock change leaves out was meant to run; with starred or stepped hours, the next will do."""
    hours_matter: bool
    """Some hours are not in the series; when all are, a local time that is left out makes no difference to anyone."""
    times_named: bool
    """A local time that comes twice is meant once; with starred minutes or hours, it is meant as often as it comes."""

    def at_or_after(self, wall: datetime) -> datetime | None:
        """Return the first time that is not before ``wall``."""

    def ever(self) -> bool:
        """Return whether there is any time at all."""


@lru_cache(maxsize=4096)
def month_shape(year: int, month: int) -> tuple[int, int]:
    """Return the weekday of the first day and the number of days."""
    return monthrange(year, month)

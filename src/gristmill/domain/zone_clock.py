"""What the clocks of a time zone do: their offset from UTC, and the shifts at which it changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gristmill.domain.errors import Invalid

LONGEST_SHIFT = timedelta(hours=26)
"""No clock was ever set by more than a day (Samoa, Kiribati), with two hours to spare."""

INSTANT = timedelta(microseconds=1)

# The closest two shifts of any zone since 1970 were a week apart (America/Recife in October 2000).
_STRIDE = timedelta(days=2)
_SECOND = timedelta(seconds=1)
_NAME = re.compile(r"(?!posix/|right/|posixrules|localtime)[A-Za-z][\w+-]*(/[\w+-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shift:
    """A moment (naive UTC) at which a zone's offset changes from ``before`` to ``after``."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def is_gap(self) -> bool:
        """Whether the clock is set forward, so that local times are left out; otherwise some come twice."""
        return self.after > self.before

    @property
    def opens(self) -> datetime:
        """The first local time that is left out or comes twice."""
        return self.at + min(self.before, self.after)

    @property
    def closes(self) -> datetime:
        """The first local time after those."""
        return self.at + max(self.before, self.after)


class ZoneClock:
    """The clock of one zone. Instants are naive UTC, local times are naive."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._shifts: dict[int, tuple[Shift, ...]] = {}

    def offset_at(self, instant: datetime) -> timedelta:
        """Return how far local time is ahead of UTC."""
        return self.zone.fromutc(instant.replace(tzinfo=self.zone)).replace(tzinfo=None) - instant

    def local(self, instant: datetime) -> datetime:
        """Return the aware local time of an instant."""
        return self.zone.fromutc(instant.replace(tzinfo=self.zone))

    def shift_before(self, instant: datetime) -> Shift | None:
        """Return the last shift before an instant, if there is one in its year or the year before."""
        for year in (instant.year, instant.year - 1):
            for shift in reversed(self._of_year(year)):
                if shift.at < instant:
                    return shift
        return None

    def shift_from(self, instant: datetime, until: datetime) -> Shift | None:
        """Return the first shift at or after an instant and not after ``until``."""
        for year in range(instant.year, until.year + 1):
            for shift in self._of_year(year):
                if shift.at >= instant:
                    return shift if shift.at <= until else None
        return None

    def _of_year(self, year: int) -> tuple[Shift, ...]:
        known = self._shifts.get(year)
        if known is None:
            known = self._shifts[year] = tuple(self._find_shifts(year))
        return known

    def _find_shifts(self, year: int) -> list[Shift]:
        found = []
        first = datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) - _SECOND
        last = datetime(year + 1, 1, 1, tzinfo=UTC).replace(tzinfo=None) - _SECOND
        offset = self.offset_at(first)
        while first < last:
            then = min(first + _STRIDE, last)
            new = self.offset_at(then)
            if new != offset:
                found.append(Shift(self._exact(first, then, offset), offset, new))
            first, offset = then, new
        return found

    def _exact(self, before: datetime, after: datetime, offset: timedelta) -> datetime:
        while after - before > _SECOND:
            middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
            if self.offset_at(middle) == offset:
                before = middle
            else:
                after = middle
        return after


@lru_cache(maxsize=1024)
def zone_clock(name: str) -> ZoneClock:
    """Return the clock of an IANA zone such as ``Europe/Berlin``.

    Raises:
        Invalid: there is no such zone.

    """
    refusal = Invalid(f"There is no time zone {name!r}; write an IANA name such as Europe/Berlin.", field="zone")
    if not _NAME.fullmatch(name):
        raise refusal
    try:
        return ZoneClock(ZoneInfo(name))
    except (KeyError, ValueError, OSError) as error:
        raise refusal from error


def forget_zones() -> None:
    """Let every zone be read anew, for when the machine's time zone data was updated."""
    zone_clock.cache_clear()
    ZoneInfo.clear_cache()

"""A schedule: what repeats, in which zone, from when until when, and what happens when clocks or servers misbehave.

`tick.py` finds its next tick, `tick_due.py` what was missed; `tick_preview.py` tells people.
`schedule_document.py` and `schedule_wire.py` are its written forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property

from gristmill.domain.cron import FIRST_YEAR, Cron
from gristmill.domain.cron_rule import cron_rule
from gristmill.domain.errors import Invalid
from gristmill.domain.interval import CalendarRule, Every
from gristmill.domain.repetition import LAST_INSTANT_YEAR, Rule, Weekday
from gristmill.domain.zone_clock import ZoneClock, zone_clock


class GapPolicy(StrEnum):
    """A local time that a clock change leaves out: runs at the first moment that exists, or not that day."""

    SHIFT = "shift"
    SKIP = "skip"


class FoldPolicy(StrEnum):
    """A local time that comes twice: runs the first time, the second, or both."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


class MissedPolicy(StrEnum):
    """Ticks that nobody was there to run: run the last one, none, or all of the last day."""

    LAST = "last"
    NONE = "none"
    ALL = "all"


class OverlapPolicy(StrEnum):
    """A tick while the run before is not done: wait behind it, leave the tick out, or cancel the run before."""

    QUEUE = "queue"
    SKIP = "skip"
    CANCEL_RUNNING = "cancel_running"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a job runs. Ticks lie between ``start`` and ``end``, both included; both are kept in UTC.

    ``repeat=False`` is one run at ``start``, whatever the repetition. Intervals count from ``start``, their first tick.
    Excluded weekdays are those of ``zone``: of the time that the schedule names, and of the moment that it runs.

    Gap and fold concern times that are *named*: hours without star or step move out of a gap by ``gap``, and hours and
    minutes both without star or step run in a fold by ``fold``. Starred or stepped ones run whenever the local clock
    shows them, so that their real spacing stays what it is. Intervals of days, weeks and months are named times;
    intervals of minutes and hours are elapsed time and do not look at the clock at all.

    Raises:
        Invalid: the zone is unknown, a time is naive, the end is before the start, or nothing would ever run; names
            the field.

    """

    repetition: Cron | Every | None = None
    zone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None
    repeat: bool = True
    excluded_weekdays: frozenset[Weekday] = frozenset()
    gap: GapPolicy = GapPolicy.SHIFT
    fold: FoldPolicy = FoldPolicy.FIRST
    missed: MissedPolicy = MissedPolicy.LAST
    overlap: OverlapPolicy = OverlapPolicy.QUEUE

    def __post_init__(self) -> None:
        zone_clock(self.zone)
        for field, value in (("start", self.start), ("end", self.end)):
            object.__setattr__(self, field, None if value is None else in_utc(value, field=field))
        object.__setattr__(self, "excluded_weekdays", frozenset(self.excluded_weekdays))
        if self.start and self.end and self.end < self.start:
            raise Invalid("The schedule's end is before its start.", field="end")
        self._check_start()
        if self.rule is not None and not self.rule.ever():
            raise Invalid("The schedule would never run: no day is left.", field="schedule")

    def _check_start(self) -> None:
        if self.start and not FIRST_YEAR <= self.start.year < LAST_INSTANT_YEAR:
            raise Invalid(f"The start is not between {FIRST_YEAR} and {LAST_INSTANT_YEAR}.", field="start")
        if self.repeat and self.repetition is None:
            raise Invalid("A schedule that repeats needs a cron expression or an interval.", field="schedule")
        if self.start is None and not self.repeat:
            raise Invalid("A schedule that does not repeat is one run at its start; give a start.", field="start")
        if self.start is None and isinstance(self.repetition, Every):
            raise Invalid("An interval counts from the schedule's start; give a start.", field="start")
        if self.start and not self.repeat and self.excludes(self.start):
            raise Invalid("The only run would be on an excluded weekday.", field="excluded_weekdays")
        if len(self.excluded_weekdays) == len(Weekday):
            raise Invalid("All weekdays are excluded, so nothing would run.", field="excluded_weekdays")

    @cached_property
    def rule(self) -> Rule | None:
        """The series of local times; None for one run and for intervals of elapsed time."""
        match self.repetition:
            case Cron() as cron if self.repeat:
                return cron_rule(cron, self.excluded_weekdays)
            case Every() as every if self.repeat and every.elapsed is None and self.start:
                anchor = self.clock.local(naive(self.start)).replace(tzinfo=None)
                return CalendarRule(every, anchor, self.excluded_weekdays)
            case _:
                return None

    @property
    def clock(self) -> ZoneClock:
        """The clock of the zone, read anew after ``forget_zones``."""
        return zone_clock(self.zone)

    def excludes(self, instant: datetime) -> bool:
        """Return whether an aware instant falls on an excluded weekday of the zone."""
        return bool(self.excluded_weekdays) and self.clock.local(naive(instant)).weekday() in self.excluded_weekdays


def in_utc(value: datetime, *, field: str) -> datetime:
    """Return an aware datetime in UTC.

    Raises:
        Invalid: it is naive, or too far away.

    """
    if value.utcoffset() is None:
        raise Invalid(f"{field}: {value.isoformat()} has no time zone; end it with Z or an offset.", field=field)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise Invalid(f"{field}: {value.isoformat()} is too far away.", field=field) from error


def naive(instant: datetime) -> datetime:
    """Return a UTC datetime without its zone, as ``ZoneClock`` takes instants."""
    return instant.replace(tzinfo=None)

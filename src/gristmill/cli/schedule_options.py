"""Options that say when a job runs, and the schedule that they make. Local times are those of ``--zone``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from gristmill.domain.cron import Cron, parse_cron
from gristmill.domain.errors import Invalid
from gristmill.domain.interval import Every, IntervalUnit
from gristmill.domain.repetition import Weekday
from gristmill.domain.schedule import FoldPolicy, GapPolicy, MissedPolicy, OverlapPolicy, Schedule
from gristmill.domain.schedule_document import POLICIES
from gristmill.domain.schedule_wire import to_wire
from gristmill.domain.zone_clock import zone_clock

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_LAST_SECOND = time(23, 59, 59)
_EVERY = re.compile(rf"(?:(\d+)\s*)?({'|'.join(unit[:-1] for unit in IntervalUnit)})s?", re.IGNORECASE)
_OPTIONS = {"zone": "--zone", "start": "--start", "end": "--end", "excluded_weekdays": "--exclude"}
"""Which option says what a schedule's field says; all others are about what repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOptions:
    """When a job runs, as the command line says it."""

    cron: Annotated[
        str | None, typer.Option("--cron", metavar="EXPRESSION", help="Cron expression, such as '0 7 * * 1-5'.")
    ] = None
    every: Annotated[
        str | None, typer.Option("--every", metavar="INTERVAL", help="Interval: '15 minutes', '1 day', '2 weeks'.")
    ] = None
    once: Annotated[
        str | None, typer.Option("--once", metavar="TIME", help="One run at this time, such as '2026-11-22 09:30'.")
    ] = None
    at: Annotated[
        str | None, typer.Option("--at", metavar="HH:MM", help="Time of day of the first run of --every.")
    ] = None
    exclude: Annotated[
        str | None, typer.Option("--exclude", metavar="DAYS", help="Weekdays without runs: sat,sun.")
    ] = None
    zone: Annotated[
        str | None,
        typer.Option("--zone", metavar="ZONE", help="Time zone of it all, such as Europe/Berlin; by default, UTC."),
    ] = None
    start: Annotated[str | None, typer.Option("--start", metavar="TIME", help="No run before this day or time.")] = None
    end: Annotated[str | None, typer.Option("--end", metavar="TIME", help="No run after this day or time.")] = None
    gap: Annotated[
        GapPolicy | None, typer.Option("--gap", help="A time that a clock change leaves out; by default, shift.")
    ] = None
    fold: Annotated[
        FoldPolicy | None, typer.Option("--fold", help="A time that a clock change repeats; by default, first.")
    ] = None
    missed: Annotated[
        MissedPolicy | None, typer.Option("--missed", help="Runs due while no server was up; by default, last.")
    ] = None
    overlap: Annotated[
        OverlapPolicy | None, typer.Option("--overlap", help="Due while the run before works; by default, queue.")
    ] = None

    @property
    def given(self) -> bool:
        """Whether any of them was given."""
        return any(getattr(self, each.name) is not None for each in fields(self))

    def schedule(self, now: datetime) -> Schedule | None:
        """Return the schedule that they say, None where they say nothing.

        Raises:
            BadParameter: they say no schedule; the option is named.

        """
        if not self.given:
            return None
        if sum(each is not None for each in (self.cron, self.every, self.once)) != 1:
            raise typer.BadParameter("say when the job runs by one of --cron, --every and --once.")
        if self.at is not None and self.every is None:
            raise _refused("--at", "it is the time of day of --every; --cron and --once have their own.")
        if self.once is not None and self.start is not None:
            raise _refused("--start", "--once has the time of the only run.")
        try:
            return self._schedule(now)
        except Invalid as error:
            raise _refused(_OPTIONS.get(error.field or "", self._repeats_by), error.message) from error

    @property
    def _repeats_by(self) -> str:
        return "--cron" if self.cron is not None else "--every" if self.every is not None else "--once"

    def _schedule(self, now: datetime) -> Schedule:
        zone = zone_clock(self.zone or "UTC").zone
        policies = {name: getattr(self, name) for name in POLICIES}
        return Schedule(
            repetition=self._repetition(),
            zone=zone.key,
            start=self._start(zone, now),
            end=_moment(self.end, zone, "--end", time_of_day=_LAST_SECOND),
            repeat=self.once is None,
            excluded_weekdays=_weekdays(self.exclude),
            **{name: policy for name, policy in policies.items() if policy is not None},
        )

    def _repetition(self) -> Cron | Every | None:
        if self.cron is not None:
            return parse_cron(self.cron)
        return _interval(self.every) if self.every is not None else None

    def _start(self, zone: ZoneInfo, now: datetime) -> datetime | None:
        """Return the start; an interval without one begins at the next ``--at``, else with the next minute."""
        if self.once is not None:
            return _moment(self.once, zone, "--once", time_of_day=None)
        at = _time_of_day(self.at)
        start = _moment(self.start, zone, "--start", time_of_day=at or time.min, alone=at is not None)
        if start is not None or self.every is None:
            return start
        if at is None:
            return now.replace(second=0, microsecond=0) + _MINUTE
        found = datetime.combine(now.astimezone(zone), at, tzinfo=zone)
        while found <= now or _is_left_out(found):
            found += _DAY
        return found


def wire(schedule: Schedule | None, now: datetime) -> dict[str, Any]:
    """Return a job's ``schedule`` and ``schedule_info``, nothing where it is not scheduled."""
    if schedule is None:
        return {}
    text, information = to_wire(schedule, at=now)
    return {"schedule": text, "schedule_info": information}


def changes(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the JSON patch that gives a job this schedule; of nothing, the one that ends it."""
    values = {"schedule": "", "schedule_info": None, **described}
    return [{"op": "replace", "path": f"/entity/job/{name}", "value": value} for name, value in values.items()]


def _interval(text: str) -> Every:
    found = _EVERY.fullmatch(text.strip())
    if not found:
        units = ", ".join(IntervalUnit)
        raise _refused("--every", f"{text!r} is not a number of {units}, such as '15 minutes' or '1 day'.")
    return Every(int(found[1] or 1), IntervalUnit(f"{found[2].lower()}s"))


def _weekdays(text: str | None) -> frozenset[Weekday]:
    names = [name.strip().upper()[:3] for name in text.split(",")] if text else []
    unknown = [name for name in names if name not in Weekday.__members__]
    if unknown:
        raise _refused("--exclude", f"{text!r} is no list of weekdays such as sat,sun.")
    return frozenset(Weekday[name] for name in names)


def _moment(
    text: str | None, zone: ZoneInfo, option: str, *, time_of_day: time | None, alone: bool = False
) -> datetime | None:
    """Read a time: with an offset, or of the zone. A day has ``time_of_day``; ``alone`` takes no other."""
    if text is None:
        return None
    found = _day(text, time_of_day, zone, option)
    if found is None:
        found = _time(text, zone, option)
        if alone:
            raise _refused(option, "it has a time of day, and so has --at; give it one of them.")
    if (alone or "T" in text or " " in text) and _is_left_out(found):
        raise _refused(option, f"the clocks of {zone.key} leave {found:%H:%M} out on that day; give another time.")
    return found


def _day(text: str, time_of_day: time | None, zone: ZoneInfo, option: str) -> datetime | None:
    """Read a day, which has this time; None where the text is more than a day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if time_of_day is None:
        raise _refused(option, f"{text} has no time of day; write it as '{text} 09:30'.")
    return datetime.combine(day, time_of_day, tzinfo=zone)


def _time(text: str, zone: ZoneInfo, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refused(option, f"{text!r} is no time such as 2026-11-22 or '2026-11-22 09:30'.") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _is_left_out(local: datetime) -> bool:
    """Whether a clock change leaves out this local time."""
    try:
        there_and_back = local.astimezone(UTC).astimezone(local.tzinfo)
    except OverflowError:
        # The schedule will refuse what is so far away.
        return False
    return there_and_back.replace(tzinfo=None) != local.replace(tzinfo=None)


def _time_of_day(text: str | None) -> time | None:
    try:
        found = time.fromisoformat(text) if text is not None else None
    except ValueError:
        found = None
    if text is not None and (found is None or found.tzinfo):
        raise _refused("--at", f"{text!r} is no time of day such as 07:30.")
    return found


def _refused(option: str, message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint=option)

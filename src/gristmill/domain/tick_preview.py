"""The next ticks for people: in local time, with a note where a clock change moves one, doubles it or leaves it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gristmill.domain.repetition import Rule
from gristmill.domain.schedule import FoldPolicy, Schedule, in_utc, naive
from gristmill.domain.tick import lost_time, moves, ticks
from gristmill.domain.zone_clock import INSTANT, Shift

PREVIEWED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A tick: the moment in UTC, the same moment in the schedule's zone, and what a clock change did to it."""

    at: datetime
    local: datetime
    note: str | None = None


def preview(schedule: Schedule, after: datetime, count: int = PREVIEWED) -> list[Tick]:
    """Return the first ticks strictly after a moment. A time that is left out is noted at the tick that follows it."""
    previous = max(in_utc(after, field="after"), schedule.start or datetime.min.replace(tzinfo=UTC))
    found = []
    for at in ticks(schedule, after, count):
        local = schedule.clock.local(naive(at))
        found.append(Tick(at=at, local=local, note=_note(schedule, naive(previous), naive(at))))
        previous = at
    return found


def _note(schedule: Schedule, previous: datetime, at: datetime) -> str | None:
    rule = schedule.rule
    if rule is None:
        return None
    return _note_on_gap(schedule, rule, previous, at) or _note_on_fold(schedule, rule, at)


def _note_on_gap(schedule: Schedule, rule: Rule, previous: datetime, at: datetime) -> str | None:
    if not rule.hours_matter:
        return None
    noted, seek = None, previous + INSTANT
    while shift := schedule.clock.shift_from(seek, until=at):
        if lost := lost_time(rule, shift):
            noted = _gap_note(schedule, lost, shift, moved=shift.at == at and moves(schedule, rule, shift))
        seek = shift.at + INSTANT
    return noted


def _gap_note(schedule: Schedule, lost: datetime, shift: Shift, *, moved: bool) -> str:
    now = shift.at + shift.after
    same_day = moved and lost.date() == now.date()
    missing = (
        f"{lost:%H:%M} does not exist on {'this day' if same_day else format(lost, '%Y-%m-%d')} in {schedule.zone}"
    )
    if not moved:
        return f"{missing}; it is left out"
    return f"{missing}; runs at {now:{'%H:%M' if same_day else '%Y-%m-%d %H:%M'}}"


def _note_on_fold(schedule: Schedule, rule: Rule, at: datetime) -> str | None:
    for shift in _folds_around(schedule, at):
        wall = at + (shift.after if at >= shift.at else shift.before)
        if shift.opens <= wall < shift.closes:
            turn = "second" if at >= shift.at else "first"
            once = rule.times_named and schedule.fold is not FoldPolicy.BOTH
            what = f"runs the {turn} time only" if once else f"this is the {turn} time"
            return f"{wall:%H:%M} comes twice on this day in {schedule.zone}; {what}"
    return None


def _folds_around(schedule: Schedule, at: datetime) -> list[Shift]:
    clock = schedule.clock
    around = (clock.shift_before(at + INSTANT), clock.shift_from(at + INSTANT, until=at + timedelta(days=2)))
    return [shift for shift in around if shift is not None and not shift.is_gap]

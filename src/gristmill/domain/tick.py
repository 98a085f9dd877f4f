"""The next tick of a schedule: depends on the schedule, the time zone data and the moment asked about, on nothing else.

Between two shifts of a zone's offset local time runs like UTC, so a candidate is looked up on the local clock; each
shift on the way to it is crossed with its gap or fold.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from gristmill.domain.interval import Every
from gristmill.domain.repetition import LAST_INSTANT_YEAR, Rule
from gristmill.domain.schedule import FoldPolicy, GapPolicy, Schedule, in_utc, naive
from gristmill.domain.zone_clock import INSTANT, LONGEST_SHIFT, Shift, ZoneClock

_FIRST_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MOST_EXCLUDED_IN_A_ROW = 1000


def next_tick(schedule: Schedule, after: datetime) -> datetime | None:
    """Return the first tick strictly after an aware moment, in UTC; None when there is none before the year 9990.

    Raises:
        Invalid: ``after`` is naive.

    """
    earliest = _earliest(schedule, in_utc(after, field="after"))
    if earliest is None:
        return None
    found = _tick_from(schedule, naive(earliest))
    if found is None or found.year >= LAST_INSTANT_YEAR or (schedule.end and found > naive(schedule.end)):
        return None
    return found.replace(tzinfo=UTC)


def ticks(schedule: Schedule, after: datetime, count: int) -> list[datetime]:
    """Return the first ``count`` ticks strictly after a moment, fewer when there are no more."""
    found: list[datetime] = []
    while len(found) < count:
        tick = next_tick(schedule, found[-1] if found else after)
        if tick is None:
            break
        found.append(tick)
    return found


def _earliest(schedule: Schedule, after: datetime) -> datetime | None:
    if after.year >= LAST_INSTANT_YEAR:
        return None
    earliest = max(after + INSTANT, schedule.start or _FIRST_INSTANT, _FIRST_INSTANT)
    return None if schedule.end and earliest > schedule.end else earliest


def _tick_from(schedule: Schedule, earliest: datetime) -> datetime | None:
    # A single run and an interval's first tick are moments, not local times: no fold or gap concerns them.
    anchored = not schedule.repeat or isinstance(schedule.repetition, Every)
    if anchored and schedule.start and earliest == naive(schedule.start) and not schedule.excludes(schedule.start):
        return earliest
    if schedule.rule is not None:
        return _wall_tick(schedule, schedule.rule, earliest)
    return _elapsed_tick(schedule, earliest) if schedule.repeat else None


def _wall_tick(schedule: Schedule, rule: Rule, earliest: datetime) -> datetime | None:
    clock = schedule.clock
    once = schedule.fold if rule.times_named else FoldPolicy.BOTH
    passed = clock.shift_before(earliest)
    now, seek = earliest, earliest
    offset = passed.after if passed else clock.offset_at(earliest)
    while now.year < LAST_INSTANT_YEAR:
        candidate = rule.at_or_after(_wall_from(now + offset, passed, once))
        until = LONGEST_SHIFT + (now if candidate is None else candidate - offset)
        shift = clock.shift_from(seek, until=until)
        if candidate is not None and _stands(candidate, offset, shift, once):
            return candidate - offset
        if shift is None:
            return None
        if lost_time(rule, shift) and moves(schedule, rule, shift):
            return shift.at
        now, offset, passed, seek = shift.at, shift.after, shift, shift.at + INSTANT
    return None


def _wall_from(wall: datetime, passed: Shift | None, once: FoldPolicy) -> datetime:
    """Return the local time to look from: after a fold whose times have had their first turn, the fold's end."""
    if once is FoldPolicy.FIRST and passed is not None and not passed.is_gap:
        return max(wall, passed.closes)
    return wall


def _stands(candidate: datetime, offset: timedelta, shift: Shift | None, once: FoldPolicy) -> bool:
    """Return whether a local time comes before the next shift, and need not wait for its second turn after it."""
    if shift is None:
        return True
    waits = once is FoldPolicy.SECOND and not shift.is_gap and candidate >= shift.opens
    return candidate - offset < shift.at and not waits


def lost_time(rule: Rule, shift: Shift) -> datetime | None:
    """Return the first local time of the rule that a gap leaves out, if there is one."""
    if not shift.is_gap:
        return None
    found = rule.at_or_after(shift.opens)
    return found if found is not None and found < shift.closes else None


def moves(schedule: Schedule, rule: Rule, shift: Shift) -> bool:
    """Return whether times that a gap leaves out run at the first moment that exists."""
    wanted = schedule.gap is GapPolicy.SHIFT and rule.hours_named
    return wanted and (shift.at + shift.after).weekday() not in schedule.excluded_weekdays


def _elapsed_tick(schedule: Schedule, earliest: datetime) -> datetime | None:
    assert isinstance(schedule.repetition, Every)
    assert schedule.start is not None
    step, start = schedule.repetition.elapsed, naive(schedule.start)
    assert step is not None
    for _ in range(_MOST_EXCLUDED_IN_A_ROW):
        found = start + step * -((start - earliest) // step)
        if found.year >= LAST_INSTANT_YEAR:
            return None
        if not schedule.excludes(found.replace(tzinfo=UTC)):
            return found
        earliest = max(found + INSTANT, _next_day(schedule.clock, found))
    return None


def _next_day(clock: ZoneClock, instant: datetime) -> datetime:
    """Return a moment up to which the local date stays what it is: midnight, or a shift before it."""
    local = clock.local(instant).replace(tzinfo=None)
    midnight = datetime.combine(local.date() + _DAY, time())
    then = instant + (midnight - local)
    shift = clock.shift_from(instant + INSTANT, until=then)
    return shift.at if shift else then

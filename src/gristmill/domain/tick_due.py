"""What is due: the ticks between the last one that was dealt with and now, sorted into to run and missed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gristmill.domain.schedule import MissedPolicy, Schedule, in_utc
from gristmill.domain.tick import next_tick

ON_TIME = timedelta(seconds=60)
"""A tick that is no older than this was not missed, whatever the policy."""
MISSED_WINDOW = timedelta(hours=24)
"""``MissedPolicy.ALL`` runs the missed ticks of this last time."""
MOST_LISTED = 100
"""At most this many ticks are listed, the latest; the others are dropped."""
MOST_COUNTED = 10_000
"""Dropped ticks are counted up to this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Ticks in order, in UTC. ``dropped`` counts older ones, too many to list; ``MOST_COUNTED`` means that or more."""

    run: list[datetime]
    missed: list[datetime]
    dropped: int = 0


def due(schedule: Schedule, last_tick: datetime, now: datetime) -> Due:
    """Return the ticks after ``last_tick`` up to ``now``; the work is bounded however far they are apart.

    ``last_tick`` is the last tick that was dealt with, or the moment at which the schedule was made or edited. When the
    clock was set back, so that it lies in the future, nothing is due.
    """
    last_tick, now = in_utc(last_tick, field="last_tick"), in_utc(now, field="now")
    latest: deque[datetime] = deque(maxlen=MOST_LISTED)
    number = 0
    for tick in _between(schedule, last_tick, now):
        number += 1
        latest.append(tick)
        if number >= MOST_LISTED + MOST_COUNTED:
            latest = _latest(schedule, now)
            break
    run = set(_to_run(schedule.missed, latest, now))
    return Due(
        run=[tick for tick in latest if tick in run],
        missed=[tick for tick in latest if tick not in run],
        dropped=number - len(latest),
    )


def _between(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    tick = next_tick(schedule, after)
    while tick is not None and tick <= until:
        yield tick
        tick = next_tick(schedule, tick)


def _latest(schedule: Schedule, now: datetime) -> deque[datetime]:
    """Return the latest ticks, looking back twice as far until there are enough; the caller knows that there are."""
    window = timedelta(minutes=MOST_LISTED)
    while True:
        found = deque(_between(schedule, now - window, now), maxlen=MOST_LISTED)
        if len(found) == MOST_LISTED:
            return found
        window *= 2


def _to_run(policy: MissedPolicy, latest: Iterable[datetime], now: datetime) -> list[datetime]:
    listed = list(latest)
    on_time = [tick for tick in listed if now - tick <= ON_TIME]
    match policy:
        case MissedPolicy.NONE:
            return on_time
        case MissedPolicy.LAST:
            return on_time or listed[-1:]
        case MissedPolicy.ALL:
            return [tick for tick in listed if now - tick <= MISSED_WINDOW]

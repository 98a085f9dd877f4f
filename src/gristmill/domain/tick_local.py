"""The local time of a tick: where a schedule goes by it, it is to run once, whatever time zone data says later."""

from __future__ import annotations

from datetime import datetime

from gristmill.domain.schedule import FoldPolicy, Schedule, naive


def local_time(schedule: Schedule, tick: datetime) -> str | None:
    """Return the local time and the zone of a tick; None where the schedule may run twice at one local time."""
    rule = schedule.rule
    if rule is None or not rule.times_named or schedule.fold is FoldPolicy.BOTH:
        return None
    local = schedule.clock.local(naive(tick)).replace(tzinfo=None)
    return f"{local.isoformat(timespec='seconds')} {schedule.zone}"

"""Why a queued run waits, its place in the lane, and when it will probably start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from gristmill.domain.capacity import Capacity

_NAMED_AT_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What is known of a lane when somebody asks: its limit, who works (name, since when) and how long runs took.

    ``needs`` is what the run reserves; ``largest`` the largest worker's offer, None where a worker is large enough.
    ``labels`` are those that it asks for, ``labelled`` tells whether any worker has them.
    """

    max_running: int
    working: Sequence[tuple[str, datetime | None]]
    recent_seconds: Sequence[float]
    workers: int
    paused: bool = False
    needs: Capacity | None = None
    largest: Capacity | None = None
    labels: Sequence[str] = ()
    labelled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """``place`` is 1 for the run that is next; ``estimated_start`` is None where nothing is known to go by."""

    reason: str
    place: int
    estimated_start: datetime | None


def waiting(lane: Lane, *, ahead: int, now: datetime) -> Waiting:
    """Tell why a run waits that has ``ahead`` others before it in its lane."""
    return Waiting(reason=_reason(lane, ahead), place=ahead + 1, estimated_start=_estimate(lane, ahead, now))


def _reason(lane: Lane, ahead: int) -> str:
    if lane.paused:
        return "The space is paused: its runs wait until one of its admins resumes it."
    if lane.workers == 0:
        return "No worker is up: start `gristmill work`, or `gristmill up`."
    if not lane.labelled:
        asked = ",".join(lane.labels)
        return f"It asks for a worker with the labels {asked}; none is up: `gristmill work --worker-labels {asked}`."
    if lane.needs is not None and lane.largest is not None:
        offered = f"It needs {lane.needs}; the largest worker offers {lane.largest}."
        return f"{offered} It gets all that a worker has as soon as one is idle."
    if len(lane.working) >= lane.max_running:
        names = ", ".join(name for name, _ in lane.working[:_NAMED_AT_MOST])
        more = "" if len(lane.working) <= _NAMED_AT_MOST else " and others"
        return f"{len(lane.working)} of {lane.max_running} runs of this lane work: {names}{more}."
    if ahead:
        return f"{ahead} runs of this lane came first."
    room = f" and room for {lane.needs}" if lane.needs is not None else ""
    return f"It is next: a worker takes it as soon as it has a free slot{room}."


def _estimate(lane: Lane, ahead: int, now: datetime) -> datetime | None:
    """Let runs take as long as the median of recent ones, slot by slot."""
    held_up = lane.workers == 0 or lane.paused or lane.largest is not None or not lane.labelled
    if held_up or not lane.recent_seconds:
        return None
    typical = timedelta(seconds=median(lane.recent_seconds))
    free_at = [max(now, (since or now) + typical) for _, since in lane.working]
    free_at = sorted(free_at + [now] * (lane.max_running - len(free_at)))
    # No slot is free before now, and none works longer than a typical run: they become free in turn.
    rounds, slot = divmod(ahead, len(free_at))
    return free_at[slot] + rounds * typical

"""Why a queued run waits, its place in the lane, and when it will probably start."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

_NAMED_AT_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What is known of a lane when somebody asks: its limit, who works (name, since when) and how long runs took."""

    max_running: int
    working: Sequence[tuple[str, datetime | None]]
    recent_seconds: Sequence[float]
    workers: int


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
    if lane.workers == 0:
        return "No worker is up: start `gristmill work`, or `gristmill up`."
    if len(lane.working) >= lane.max_running:
        names = ", ".join(name for name, _ in lane.working[:_NAMED_AT_MOST])
        more = "" if len(lane.working) <= _NAMED_AT_MOST else " and others"
        return f"{len(lane.working)} of {lane.max_running} runs of this lane work: {names}{more}."
    if ahead:
        return f"{ahead} runs of this lane came first."
    return "It is next: a worker takes it as soon as it has a free slot."


def _estimate(lane: Lane, ahead: int, now: datetime) -> datetime | None:
    """Let runs take as long as the median of recent ones, slot by slot."""
    if not lane.recent_seconds or lane.workers == 0:
        return None
    typical = timedelta(seconds=median(lane.recent_seconds))
    free_at = [max(now, (since or now) + typical) for _, since in lane.working]
    free_at += [now] * (lane.max_running - len(free_at))
    heapq.heapify(free_at)
    for _ in range(ahead):
        heapq.heapreplace(free_at, free_at[0] + typical)
    return free_at[0]

"""The queue as it is looked at: lanes in which something waits or works, and who holds their slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A run that holds a slot of a lane."""

    lane_id: str
    run_id: str
    run_name: str
    job_id: str
    worker_id: str
    host: str | None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLoad:
    """A lane, named after its deployment or job; ``oldest_at`` is since when its first run waits."""

    id: str
    name: str
    space_id: str
    space_name: str
    max_running: int
    paused: bool
    queued: int
    running: int
    oldest_at: datetime | None
    holders: Sequence[Holder] = ()

"""What became of a tick of a schedule: every due one gets exactly one of these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Disposition(StrEnum):
    """``merged``: a later tick ran for it. ``overlapped``: the run before was not done, and the job says skip."""

    RAN = "ran"
    MERGED = "merged"
    OVERLAPPED = "overlapped"
    PAUSED = "paused"
    MISSED = "missed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedTick:
    """A tick and what became of it; ``run_id`` where it ran, ``reason`` where it was refused.

    ``local_time`` (`tick_local.py`) is what the zone's clock showed, where the schedule goes by that.
    """

    job_id: str
    scheduled_for: datetime
    disposition: Disposition
    decided_at: datetime
    run_id: str | None = None
    reason: str | None = None
    local_time: str | None = None

"""Workers as they are looked at: what they offer, what of it is reserved, and whether they are heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SILENCE = timedelta(seconds=30)
"""Who has not been heard of for so long is called silent: three heartbeats."""

GONE = timedelta(seconds=60)
"""A worker that has not been heard of for so long is not counted on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLoad:
    """A worker and what runs hold of it; ``millicores`` and ``memory_bytes`` are what it offers, None: anything."""

    id: str
    host: str
    pid: int
    slots: int
    millicores: int | None
    memory_bytes: int | None
    started_at: datetime
    seen_at: datetime
    running: int = 0
    reserved_millicores: int = 0
    reserved_memory_bytes: int = 0
    stale: bool = False
    labels: Sequence[str] = ()
    environments: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """When a scheduler and a worker were last heard of, anywhere."""

    now: datetime
    scheduler_seen_at: datetime | None
    workers_seen_at: datetime | None

    @property
    def silent(self) -> Sequence[str]:
        """Name those of which nothing was heard for too long."""
        seen = {"scheduler": self.scheduler_seen_at, "workers": self.workers_seen_at}
        return [name for name, at in seen.items() if at is None or self.now - at > SILENCE]

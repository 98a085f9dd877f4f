"""A space as a list shows it: what runs and waits, what failed of late, what comes next, what needs somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gristmill.domain.run import ACTIVE, RunState
from gristmill.domain.space import Role, Space

RECENTLY = timedelta(hours=24)
MOST_FAILED = 100
"""Failed runs of a space are counted up to here; as many or more are shown as this many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobName:
    """A job of a space, by id and name; ``at`` is when it comes next, or when it failed."""

    space_id: str
    job_id: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSummary:
    """``failing`` are jobs whose newest run failed within `RECENTLY`; ``late`` is how many ticks wait to be decided."""

    space: Space
    role: Role
    by_state: Mapping[RunState, int] = field(default_factory=dict)
    failed_recently: int = 0
    next_tick: JobName | None = None
    failing: Sequence[JobName] = ()
    late: int = 0

    @property
    def running(self) -> int:
        """How many runs are at work."""
        return sum(self.by_state.get(state, 0) for state in ACTIVE)

    @property
    def queued(self) -> int:
        """How many runs wait."""
        return self.by_state.get(RunState.QUEUED, 0)

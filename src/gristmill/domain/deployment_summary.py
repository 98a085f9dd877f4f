"""A deployment as a list shows it at a glance: its queue, its newest runs, and what it deploys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from gristmill.domain.deployment import Deployment
from gristmill.domain.job_summary import seconds_of
from gristmill.domain.run import ACTIVE, Run, RunState
from gristmill.domain.waiting import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSummary:
    """``by_state`` counts runs that have not ended; ``recent`` are the newest runs, the newest first."""

    deployment: Deployment
    asset_name: str | None
    by_state: Mapping[RunState, int]
    oldest_waiting_at: datetime | None
    recent: Sequence[Run]
    jobs: int

    @property
    def running(self) -> int:
        """How many runs are at work."""
        return sum(number for state, number in self.by_state.items() if state in ACTIVE)

    @property
    def queued(self) -> int:
        """How many runs wait."""
        return self.by_state.get(RunState.QUEUED, 0)

    @property
    def median_wait_seconds(self) -> float | None:
        """How long its recent runs waited, at the median."""
        found = [(run.started_at - run.created_at).total_seconds() for run in self.recent if run.started_at]
        return median(found) if found else None

    @property
    def median_seconds(self) -> float | None:
        """How long those of its recent runs took that completed, at the median."""
        found = [seconds for run in self.recent if run.state is RunState.COMPLETED and (seconds := seconds_of(run))]
        return median(found) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The runs of a lane that work, and the first that wait, in order, each with why."""

    working: Sequence[Run]
    waiting: Sequence[tuple[Run, Waiting]]
    queued: int
    max_running: int

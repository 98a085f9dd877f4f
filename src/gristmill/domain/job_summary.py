"""A job as a list shows it at a glance: its newest runs, how long they take, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from gristmill.domain.job import Job
from gristmill.domain.run import Run, RunState
from gristmill.domain.schedule import Schedule

RECENT_RUNS = 14
LATE_AFTER = timedelta(minutes=1)
"""A tick that is due for longer than this, and that nothing was made of yet, is late."""


class JobFilter(StrEnum):
    """What a list of jobs may be narrowed to. ``failing``: its newest run that completed or failed has failed."""

    RUNNING = "running"
    QUEUED = "queued"
    FAILING = "failing"
    LATE = "late"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentRun:
    """Of a run, what a bar tells; ``warning`` as in `Run`."""

    id: str
    state: RunState
    warning: str | None
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def seconds(self) -> float | None:
        """How long it worked, when it has ended."""
        return seconds_of(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """``recent`` are its newest runs, the newest first, which is ``last``; ``target`` is the name of what it runs."""

    job: Job
    target: str | None
    schedule: Schedule | None
    recent: Sequence[RecentRun] = ()
    last: Run | None = None

    @property
    def median_seconds(self) -> float | None:
        """How long those of its recent runs took that completed, at the median."""
        found = [run.seconds for run in self.recent if run.state is RunState.COMPLETED and run.seconds is not None]
        return median(found) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCounts:
    """How many jobs of a space there are, and how many each filter lets through."""

    total: int
    by_filter: Mapping[JobFilter, int]


def seconds_of(run: Run | RecentRun) -> float | None:
    """Return how long a run that has ended worked."""
    return (run.finished_at - run.started_at).total_seconds() if run.started_at and run.finished_at else None

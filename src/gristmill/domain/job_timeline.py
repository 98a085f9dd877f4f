"""What a job did in the hours before, and what its schedule will make it do in the hours to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gristmill.domain.job import Job
from gristmill.domain.job_summary import RecentRun
from gristmill.domain.schedule import Schedule
from gristmill.domain.tick import ticks

MOST_RUNS = 100
"""Newest runs of a job on a timeline."""
MOST_TICKS = 100
"""Next ticks of a job on a timeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTimeline:
    """A job with its runs since a moment, the newest first, and its ticks until another.

    ``cut`` says that there were more runs, or will be more ticks, than a timeline shows.
    """

    job: Job
    runs: Sequence[RecentRun]
    ticks: Sequence[datetime]
    cut: bool


def timeline(
    job: Job, schedule: Schedule | None, recent: Sequence[RecentRun], *, now: datetime, around: timedelta
) -> JobTimeline:
    """Cut a job's newest runs and its next ticks to the time around ``now``; a paused job has no ticks."""
    since, until = now - around, now + around
    runs = [run for run in recent if run.finished_at is None or run.finished_at >= since]
    coming = ticks(schedule, now, MOST_TICKS) if schedule and not job.paused else []
    seen = [tick for tick in coming if tick <= until]
    return JobTimeline(job=job, runs=runs, ticks=seen, cut=len(runs) == MOST_RUNS or len(seen) == MOST_TICKS)

"""All commands of `gristmill job`."""

from __future__ import annotations

from gristmill.cli import job_changes, job_create, job_edit, job_runs, job_schedule, job_start, job_timeline
from gristmill.cli.job import jobs

__all__ = ["job_changes", "job_create", "job_edit", "job_runs", "job_schedule", "job_start", "job_timeline", "jobs"]

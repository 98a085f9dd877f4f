"""Nothing goes that is to stay: runs that work, are pinned or are young, and the content that runs hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from gristmill.domain.run import FINAL, RunState
from tests.simulation.invariants.commit import Commit
from tests.simulation.snapshot import JobRow, RunRow, Snapshot, moment

RUN_DAYS = 30
_LET_GO_BY_USERS = FINAL | {RunState.QUEUED}


def check(before: Snapshot, after: Snapshot, commit: Commit) -> Iterator[str]:
    for run_id in before.runs.keys() - after.runs.keys():
        run = before.runs[run_id]
        if commit.role == "user":
            allowed = run.state in _LET_GO_BY_USERS
        elif commit.role == "janitor":
            allowed = run.state in FINAL and (_job_goes(run, before) or _is_over(run, before, commit))
        else:
            # It was hidden while it worked, and has ended just now.
            allowed = run.deleted_at is not None
        if not allowed:
            yield f"{run_id}, {run.state}{', pinned' if run.pinned else ''}, was removed by the {commit.role}"
    for job_id in before.jobs.keys() - after.jobs.keys():
        if before.jobs[job_id].deleted_at is None:
            yield f"the job {job_id} was removed, and nobody had asked for it"


def _job_goes(run: RunRow, before: Snapshot) -> bool:
    return before.jobs[run.job_id].deleted_at is not None


def _is_over(run: RunRow, before: Snapshot, commit: Commit) -> bool:
    assert run.finished_at
    age = commit.now - moment(run.finished_at)
    if run.pinned:
        return False
    if run.retention_days is not None:
        return run.retention_days >= 0 and age >= timedelta(days=run.retention_days)
    policy = _policy(before.jobs[run.job_id])
    if "amount" in policy:
        return len([one for one in before.runs.values() if _is_newer(one, run)]) >= policy["amount"]
    return age >= timedelta(days=policy["days"])


def _policy(job: JobRow) -> dict[str, int]:
    found: dict[str, int] | None = json.loads(job.retention) if job.retention else None
    return found or {"days": RUN_DAYS}


def _is_newer(other: RunRow, run: RunRow) -> bool:
    """Tell whether another run of the job ended later; pinned ones count for the benefit of the doubt."""
    if other.job_id != run.job_id or other.finished_at is None or run.finished_at is None:
        return False
    return (other.finished_at, other.place) > (run.finished_at, run.place)

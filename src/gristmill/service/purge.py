"""Taking away for good: deleted deployments and spaces, once nothing of theirs is at work, and loose content."""

from __future__ import annotations

from datetime import timedelta

from gristmill.domain.job import Job, JobKind
from gristmill.domain.run import FINAL, Run, RunEvent, RunState
from gristmill.service.claims import remove_run
from gristmill.service.context import Context
from gristmill.store import contents, deployment_job_definitions, jobs, lanes, runs, spaces
from gristmill.store import deployments as deployment_store
from gristmill.store.database import Connection

_AT_ONCE = 100
_CONTENT_GRACE = timedelta(minutes=1)
"""So that a request that had just found the content can still refer to it."""


def deleted_deployments(context: Context) -> int:
    """Purge deployments that are being deleted; returns how many runs and deployments went."""
    with context.database.snapshot() as connection:
        waiting = deployment_store.deleting(connection, limit=_AT_ONCE)
    return sum(_purge_deployment(context, deployment.id) for deployment in waiting)


def deleted_spaces(context: Context) -> int:
    """Purge spaces that are being deleted."""
    with context.database.snapshot() as connection:
        waiting = spaces.deleting(connection, limit=_AT_ONCE)
    return sum(_purge_space(context, space_id) for space_id in waiting)


def deleted_jobs(context: Context) -> int:
    """Purge jobs that are being deleted."""
    with context.database.snapshot() as connection:
        waiting = jobs.deleting(connection, limit=_AT_ONCE)
    return sum(_purge_job(context, job) for job in waiting)


def loose_contents(context: Context) -> int:
    """Remove the bytes of contents that were let go and that nothing refers to."""
    with context.database.snapshot() as connection:
        keys = contents.discarded(connection, before=context.now() - _CONTENT_GRACE, limit=_AT_ONCE)
    for key in keys:
        with context.database.transaction() as connection:
            # The row goes first or last, the outcome is the same: deleting absent content is fine.
            if not contents.referred_to(connection, key):
                context.content.delete(key)
            contents.forget(connection, key)
    return len(keys)


def _purge_deployment(context: Context, deployment_id: str) -> int:
    with context.database.transaction() as connection:
        gone, active = _purge_runs(context, connection, "lane_id", deployment_id)
        if gone or active:
            return gone
        deployment_job_definitions.remove_of_deployment(connection, deployment_id)
        deployment_store.remove(connection, deployment_id)
        lanes.remove(connection, deployment_id)
    return 1


def _purge_job(context: Context, job: Job) -> int:
    with context.database.transaction() as connection:
        gone, active = _purge_runs(context, connection, "job_id", job.id)
        if gone or active:
            return gone
        jobs.remove(connection, job.id)
        if job.kind is JobKind.ASSET:
            lanes.remove(connection, job.lane_id)
    return 1


def _purge_space(context: Context, space_id: str) -> int:
    with context.database.transaction() as connection:
        gone, active = _purge_runs(context, connection, "space_id", space_id)
        if gone or active:
            return gone
        let_go = contents.of_space(connection, space_id)
        spaces.remove(connection, space_id)
        contents.discard(connection, let_go, context.now())
    return 1


def _purge_runs(context: Context, connection: Connection, column: str, value: str) -> tuple[int, int]:
    """Remove a batch of runs that have ended, stop the others; return how many went and how many still work."""
    batch = runs.some(connection, column=column, value=value, limit=_AT_ONCE)
    states = [_stop(context, connection, run) for run in batch]
    ended = [run for run, state in zip(batch, states, strict=True) if state in FINAL]
    for run in ended:
        remove_run(context, connection, run.id)
    return len(ended), len(batch) - len(ended)


def _stop(context: Context, connection: Connection, run: Run) -> RunState:
    if run.state in FINAL or run.state is RunState.CANCELING:
        return run.state
    return runs.advance(connection, run.id, RunEvent.CANCEL_REQUESTED, now=context.now(), actor="janitor")

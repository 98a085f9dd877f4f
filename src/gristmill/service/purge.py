"""Taking away for good: runs in batches, deleted jobs, deployments and spaces, and content that nothing refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import islice

from gristmill.domain.job import Job, JobKind
from gristmill.domain.run import IllegalTransition, RunEvent
from gristmill.service import backups
from gristmill.service.context import Context
from gristmill.store import assets, contents, deployment_job_definitions, jobs, lanes, retention, runs, spaces
from gristmill.store import deployments as deployment_store
from gristmill.store.database import Connection

RUNS_AT_ONCE = 100
"""How many runs go in one transaction: SQLite has one writer, and the others wait for it."""
_BATCHES = 20
_AT_ONCE = 100
_STOPPED_AT_ONCE = 25
_TICKS_AT_ONCE = 2_000
_KEYS_AT_ONCE = 500
_CONTENT_GRACE = timedelta(minutes=1)
"""So that a request that had just found the content can still refer to it."""
_ORPHAN_GRACE = timedelta(days=1)
"""So that a server that was started over the wrong database can be stopped in time."""


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


def in_batches(context: Context, batch: Callable[[Connection], int], *, at_most: int = _BATCHES) -> int:
    """Repeat a batch, each in a transaction of its own, until one does nothing; return how much they did."""
    done = 0
    for _ in range(at_most):
        with context.database.transaction() as connection:
            number = batch(connection)
        done += number
        if not number:
            break
    return done


def remove_runs(context: Context, connection: Connection, run_ids: Sequence[str], *, results: bool = False) -> int:
    """Delete runs that have ended, and let go of the content that they referred to; return how many they are.

    With ``results``, the data assets that they made go too, as far as they still are what the runs left.
    """
    if not run_ids:
        return 0
    made = retention.results_of(connection, run_ids) if results else []
    held = contents.of_runs(connection, run_ids)
    runs.remove_these(connection, run_ids)
    if made:
        assets.purge(connection, made, context.now())
    contents.discard(connection, held, context.now())
    return len(run_ids)


def loose_contents(context: Context) -> int:
    """Remove the bytes of contents that were let go and that nothing refers to; none while a backup is being made."""
    with context.database.snapshot() as connection:
        if backups.under_way(connection, context.now()):
            return 0
        keys = contents.discarded(connection, before=context.now() - _CONTENT_GRACE, limit=_KEYS_AT_ONCE)
        used = contents.referred_to(connection, keys)
    loose = [key for key in keys if key not in used]
    for key in loose:
        # Before its note goes: after a crash in between it is found again, and deleting absent content is fine.
        context.content.delete(key)
    if keys:
        with context.database.transaction() as connection:
            # Asked again: whoever took the last reference away since has found the note, and left it at that.
            contents.forget(connection, [*loose, *contents.referred_to(connection, sorted(used))])
    return len(keys)


def orphans(context: Context, walk: Iterator[str], *, limit: int) -> tuple[int, int]:
    """Note those of the next keys that no row refers to, to be removed in a day if that is still so.

    They were put by processes that were killed before their transaction. Returns how many keys were looked at, 0 at
    the end of the walk, and how many were noted.
    """
    keys = list(islice(walk, limit))
    with context.database.snapshot() as connection:
        loose = set(keys) - contents.referred_to(connection, keys) - contents.noted(connection, keys)
    if loose:
        with context.database.transaction() as connection:
            contents.discard(connection, loose, context.now() + _ORPHAN_GRACE)
    return len(keys), len(loose)


def _purge_deployment(context: Context, deployment_id: str) -> int:
    gone, left = _purge_runs(context, "lane_id", deployment_id)
    if left:
        return gone
    with context.database.transaction() as connection:
        if retention.any_of(connection, "lane_id", deployment_id):
            return gone
        deployment_job_definitions.remove_of_deployment(connection, deployment_id)
        deployment_store.remove(connection, deployment_id)
        lanes.remove(connection, deployment_id)
    return gone + 1


def _purge_job(context: Context, job: Job) -> int:
    gone, left = _purge_runs(context, "job_id", job.id)
    if left:
        return gone
    ticks = in_batches(context, lambda connection: retention.forget_ticks(connection, job.id, limit=_TICKS_AT_ONCE))
    with context.database.transaction() as connection:
        if retention.any_of(connection, "job_id", job.id):
            return gone + ticks
        jobs.remove(connection, job.id)
        if job.kind is JobKind.ASSET:
            lanes.remove(connection, job.lane_id)
    return gone + ticks + 1


def _purge_space(context: Context, space_id: str) -> int:
    gone, left = _purge_runs(context, "space_id", space_id)
    if left:
        return gone
    with context.database.transaction() as connection:
        if retention.any_of(connection, "space_id", space_id):
            return gone
        let_go = contents.of_space(connection, space_id)
        spaces.remove(connection, space_id)
        contents.discard(connection, let_go, context.now())
    return gone + 1


def _purge_runs(context: Context, column: str, value: str) -> tuple[int, bool]:
    """Remove batches of runs that have ended, then stop others; return how many went, and whether any is left."""

    def ended(connection: Connection) -> int:
        found = retention.ended_of(connection, column, value, limit=RUNS_AT_ONCE)
        return remove_runs(context, connection, found)

    gone = in_batches(context, ended)
    stopped = in_batches(context, lambda connection: _stop_some(context, connection, column, value))
    with context.database.snapshot() as connection:
        return gone + stopped, retention.any_of(connection, column, value)


def _stop_some(context: Context, connection: Connection, column: str, value: str) -> int:
    """Cancel runs; those that were waiting have ended then, and go with the next batch."""
    found = retention.unended_of(connection, column, value, limit=_STOPPED_AT_ONCE)
    for run_id in found:
        # One that has ended meanwhile needs no stopping.
        with suppress(IllegalTransition):
            runs.advance(connection, run_id, RunEvent.CANCEL_REQUESTED, now=context.now(), actor="janitor")
    return len(found)

"""Runs as their users see them: looked at, canceled, deleted, and their logs, also while these are written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from gristmill.domain.errors import Conflict, NotFound
from gristmill.domain.page import Page
from gristmill.domain.run import FINAL, Run, RunEvent, RunState, Transition
from gristmill.domain.run_spec import RunResult, RunSpec
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.domain.waiting import Waiting, waiting
from gristmill.domain.worker import GONE
from gristmill.service.access import authorize
from gristmill.service.claims import remove_run
from gristmill.service.context import Context
from gristmill.store import jobs, run_pages, runs
from gristmill.store import waiting as waiting_store
from gristmill.store.database import Connection

_LOG_NAME = "run.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetails:
    """A run with everything that belongs to it; ``result`` is None while it has not ended."""

    run: Run
    spec: RunSpec
    result: RunResult | None


def details(context: Context, actor: Actor, space_id: str | None, deployment_job_id: str) -> RunDetails:
    """Return a run by its id in the ML API."""
    with context.database.snapshot() as connection:
        run = _visible(connection, actor, space_id, Permission.VIEW, deployment_job_id=deployment_job_id)
        return _details(connection, run)


def get(context: Context, actor: Actor, job_id: str, run_id: str) -> RunDetails:
    """Return a run by its id in the jobs API."""
    with context.database.snapshot() as connection:
        return _details(connection, _of_job(connection, actor, job_id, run_id, Permission.VIEW))


def why_waiting(context: Context, found: RunDetails) -> Waiting | None:
    """Tell why a queued run waits, its place and its probable start; None for any other run."""
    if found.run.state is not RunState.QUEUED:
        return None
    now = context.now()
    with context.database.snapshot() as connection:
        lane = waiting_store.lane_of(connection, found.run, workers_seen_since=now - GONE)
        return waiting(lane, ahead=waiting_store.ahead(connection, found.run), now=now)


def page(
    context: Context,
    actor: Actor,
    space_id: str | None,
    *,
    limit: int,
    start: str | None = None,
    job_id: str | None = None,
    deployment_id: str | None = None,
    states: Sequence[RunState] = (),
    count: bool = False,
) -> Page[Run]:
    """List runs of a space, the newest first, without inputs and results."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return run_pages.page(
            connection,
            space.id,
            limit=limit,
            start=start,
            job_id=job_id,
            deployment_id=deployment_id,
            states=states,
            count=count,
        )


def history(context: Context, actor: Actor, job_id: str, run_id: str) -> list[Transition]:
    """Return every change of state of a run."""
    with context.database.snapshot() as connection:
        run = _of_job(connection, actor, job_id, run_id, Permission.VIEW)
        return runs.history(connection, run.id)


def cancel(context: Context, actor: Actor, space_id: str | None, deployment_job_id: str, *, delete: bool) -> None:
    """Stop a run; with ``delete`` also take it away. One that has ended stays as it ended."""
    with context.database.transaction() as connection:
        run = _visible(connection, actor, space_id, Permission.OPERATE_RUNS, deployment_job_id=deployment_job_id)
        _end(context, connection, run, actor, delete=delete)
    context.wake()


def cancel_of_job(context: Context, actor: Actor, job_id: str, run_id: str) -> None:
    """Stop a run, named by its job.

    Raises:
        Conflict: it has ended already.

    """
    with context.database.transaction() as connection:
        run = _of_job(connection, actor, job_id, run_id, Permission.OPERATE_RUNS)
        if run.state in FINAL:
            raise Conflict(f"The run is {run.state} already.", code="run_ended")
        _end(context, connection, run, actor, delete=False)
    context.wake()


def delete_of_job(context: Context, actor: Actor, job_id: str, run_id: str) -> None:
    """Take a run away, named by its job; one that works is stopped first and goes when it has ended."""
    with context.database.transaction() as connection:
        run = _of_job(connection, actor, job_id, run_id, Permission.OPERATE_RUNS)
        _end(context, connection, run, actor, delete=True)
    context.wake()


def log(context: Context, actor: Actor, job_id: str, run_id: str, *, start: int = 0) -> Iterator[bytes]:
    """Yield the run's log from byte ``start`` on, as far as it has been written."""
    return log_of(context, get(context, actor, job_id, run_id), start=start)


def log_of(context: Context, found: RunDetails, *, start: int = 0) -> Iterator[bytes]:
    """Yield the same of a run that was read before, for an actor who may see it."""
    if found.result is None:
        return _live_log(context, found.run, start)
    return context.content.stream(found.result.log_key, start=start) if found.result.log_key else iter(())


def _live_log(context: Context, run: Run, start: int) -> Iterator[bytes]:
    path = context.data_dir / "runs" / f"{run.id}.{run.fence}" / _LOG_NAME
    try:
        # User code can put a link or a pipe there.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return iter(())
    file = os.fdopen(descriptor, "rb")
    return _read_on(file, start)


def _read_on(file: BinaryIO, start: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while block := file.read(1024 * 1024):
            yield block


def _details(connection: Connection, run: Run) -> RunDetails:
    return RunDetails(run=run, spec=runs.spec(connection, run.id), result=runs.result(connection, run.id))


def _end(context: Context, connection: Connection, run: Run, actor: Actor, *, delete: bool) -> None:
    # Read again under the lock: what ends meanwhile is removed by whoever sees that it is to go.
    held = runs.lock(connection, run.id)
    state = held.state
    if state not in FINAL and state is not RunState.CANCELING:
        now, asked = context.now(), RunEvent.CANCEL_REQUESTED
        state = runs.advance(connection, run.id, asked, now=now, actor=actor.user_id, held=held)
    if delete and state in FINAL:
        remove_run(context, connection, run.id)
    elif delete:
        runs.hide(connection, run.id, context.now())


def _visible(
    connection: Connection, actor: Actor, space_id: str | None, permission: Permission, *, deployment_job_id: str
) -> Run:
    run = runs.get_by_deployment_job(connection, deployment_job_id)
    if run is not None:
        authorize(connection, actor, run.space_id, permission)
    if run is None or run.deleted_at or (space_id and run.space_id != space_id):
        message = f"There is no deployment job {deployment_job_id} in this space."
        raise NotFound(message, code="deployment_job_not_found")
    return run


def _of_job(connection: Connection, actor: Actor, job_id: str, run_id: str, permission: Permission) -> Run:
    run = runs.get(connection, run_id)
    if run is not None:
        authorize(connection, actor, run.space_id, permission)
    if run is None or run.deleted_at or job_id not in {run.job_id, _serving_name(connection, run)}:
        raise NotFound(f"Job {job_id} has no run {run_id}.", code="run_not_found")
    return run


def _serving_name(connection: Connection, run: Run) -> str | None:
    job = jobs.get(connection, run.job_id)
    return job.serving_name if job else None

"""Runs. The only writer of their states: every change goes through the transition table and leaves a history row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from gristmill.domain.errors import Conflict, NotFound
from gristmill.domain.page import Page
from gristmill.domain.run import ACTIVE, FINAL, Cause, Run, RunEvent, RunState, Transition, next_state
from gristmill.domain.run_spec import RunResult, RunSpec
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of
from gristmill.store.schema import claims, lanes, run_history, runs

_LISTED = columns_of(runs, Run)


class StaleFence(Conflict):
    """The run has been handed to another worker since; what this one did no longer counts."""

    code = "stale_fence"


def create(connection: Connection, run: Run, spec: RunSpec, *, idempotency_key: str | None = None) -> Run:
    """Insert a queued run at the end of its lane; its ``place`` is given by the database."""
    values = {field.name: getattr(run, field.name) for field in fields(run) if field.name not in {"place", "cause"}}
    statement = insert(runs).values(**values, spec=spec.document(), idempotency_key=idempotency_key)
    place = connection.execute(statement.returning(runs.c.place)).scalar_one()
    _remember(connection, run.id, "created", RunState.QUEUED, at=run.created_at, fence=0, actor=run.requester_id)
    return replace(run, place=place)


def by_idempotency_key(connection: Connection, requester_id: str, key: str) -> Run | None:
    """Return the run that this user made with this key before."""
    query = select(*_LISTED).where(runs.c.requester_id == requester_id, runs.c.idempotency_key == key)
    return _one(connection, query)


def get(connection: Connection, run_id: str) -> Run | None:
    """Return a run by its id in the jobs API, hidden ones too."""
    return _one(connection, select(*_LISTED).where(runs.c.id == run_id))


def get_by_deployment_job(connection: Connection, deployment_job_id: str) -> Run | None:
    """Return a run by its id in the ML API, hidden ones too."""
    return _one(connection, select(*_LISTED).where(runs.c.deployment_job_id == deployment_job_id))


def spec(connection: Connection, run_id: str) -> RunSpec:
    """Return what the run was frozen with."""
    return RunSpec.of(connection.execute(select(runs.c.spec).where(runs.c.id == run_id)).scalar_one())


def result(connection: Connection, run_id: str) -> RunResult | None:
    """Return what the run left, None while it has not ended."""
    document = connection.execute(select(runs.c.result).where(runs.c.id == run_id)).scalar()
    return RunResult.of(document) if document else None


def page(
    connection: Connection,
    space_id: str,
    *,
    limit: int,
    start: str | None = None,
    job_id: str | None = None,
    deployment_id: str | None = None,
    states: Sequence[RunState] = (),
    count: bool = False,
) -> Page[Run]:
    """List the visible runs of a space (or of a job), the newest first, without their heavy columns."""
    where = [runs.c.space_id == space_id, runs.c.deleted_at.is_(None)]
    where += [runs.c.job_id == job_id] if job_id else []
    where += [runs.c.deployment_id == deployment_id] if deployment_id else []
    where += [runs.c.state.in_([str(state) for state in states])] if states else []
    total = connection.execute(select(func.count()).select_from(runs).where(*where)).scalar_one() if count else None
    if start and start.isdigit():
        where.append(runs.c.place < int(start))
    rows = connection.execute(select(*_LISTED).where(*where).order_by(runs.c.place.desc()).limit(limit + 1)).all()
    more = str(rows[limit - 1].place) if len(rows) > limit else None
    return Page(items=[_run(row) for row in rows[:limit]], next=more, total=total)


def history(connection: Connection, run_id: str) -> list[Transition]:
    """Return every change of the run's state, the first first, without its creation."""
    query = select(run_history).where(run_history.c.run_id == run_id, run_history.c.event != "created")
    rows = connection.execute(query.order_by(run_history.c.number)).mappings()
    return [Transition(**{**row, "event": RunEvent(row["event"]), "state": RunState(row["state"])}) for row in rows]


def advance(
    connection: Connection,
    run_id: str,
    event: RunEvent,
    *,
    now: datetime,
    actor: str,
    fence: int | None = None,
    changes: Mapping[str, Any] | None = None,
) -> RunState:
    """Move a run by one event: state, time stamps, history row, and the claim that it no longer needs.

    ``fence`` is given by workers: the change counts only while theirs is the current one. ``changes`` are further
    columns to set in the same statement.

    Raises:
        NotFound: there is no such run.
        StaleFence: the run belongs to a newer claim, or to none.
        IllegalTransition: the table has no such row.

    """
    lane_id, state, current = _lock(connection, run_id)
    if fence is not None and (fence != current or state not in ACTIVE):
        raise StaleFence(f"The run is {state} under fence {current}; this worker holds {fence}.")
    after = next_state(state, event)
    values = {**_stamps(state, after, now), **(changes or {}), "state": str(after), "modified_at": now}
    statement = update(runs).where(runs.c.id == run_id, runs.c.state == str(state), runs.c.fence == current)
    if connection.execute(statement.values(**values)).rowcount != 1:
        raise StaleFence(f"The run changed while its lane {lane_id} was locked.")
    if after not in ACTIVE:
        connection.execute(delete(claims).where(claims.c.run_id == run_id))
    _remember(connection, run_id, str(event), after, at=now, fence=values.get("fence", current), actor=actor)
    return after


def hide(connection: Connection, run_id: str, now: datetime) -> None:
    """Mark a run as deleted; its row goes when it has ended."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(deleted_at=now))


def remove(connection: Connection, run_id: str) -> None:
    """Delete a run and its history."""
    connection.execute(delete(runs).where(runs.c.id == run_id))


def report_progress(connection: Connection, run_id: str, *, fence: int, done: int, total: int | None) -> None:
    """Note how far a run is; a stale fence changes nothing."""
    statement = update(runs).where(runs.c.id == run_id, runs.c.fence == fence, runs.c.state.in_(sorted(ACTIVE)))
    connection.execute(statement.values(rows_done=done, rows_total=total))


def some(connection: Connection, *, column: str, value: str, limit: int) -> list[Run]:
    """Return up to ``limit`` runs of a space, job or deployment, hidden ones too, for deleting them in batches."""
    query = select(*_LISTED).where(runs.c[column] == value).order_by(runs.c.place).limit(limit)
    return [_run(row) for row in connection.execute(query)]


def _lock(connection: Connection, run_id: str) -> tuple[str, RunState, int]:
    """Lock the lane, then read the run. PostgreSQL: a claim locks in this order too, so the two cannot deadlock."""
    lane_of = select(runs.c.lane_id).where(runs.c.id == run_id).scalar_subquery()
    if connection.dialect.name == "postgresql":
        connection.execute(select(lanes.c.id).where(lanes.c.id == lane_of).with_for_update())
    row = connection.execute(select(runs.c.lane_id, runs.c.state, runs.c.fence).where(runs.c.id == run_id)).first()
    if row is None:
        raise NotFound(f"There is no run {run_id}.", code="run_not_found")
    return row.lane_id, RunState(row.state), row.fence


def _stamps(before: RunState, after: RunState, now: datetime) -> dict[str, Any]:
    match after:
        case RunState.RUNNING:
            return {"started_at": now}
        case RunState.QUEUED:
            return {"started_at": None, "worker_id": None, "rows_done": None, "rows_total": None}
        case state if state in FINAL and before not in FINAL:
            return {"finished_at": now}
    return {}


def _remember(
    connection: Connection, run_id: str, event: str, state: RunState, *, at: datetime, fence: int, actor: str
) -> None:
    last = select(func.coalesce(func.max(run_history.c.number), 0) + 1).where(run_history.c.run_id == run_id)
    values = {"run_id": run_id, "event": event, "state": str(state), "at": at, "fence": fence, "actor": actor}
    connection.execute(insert(run_history).values(number=last.scalar_subquery(), **values))


def _one(connection: Connection, query: Any) -> Run | None:  # noqa: ANN401 - a Select
    row = connection.execute(query).first()
    return _run(row) if row else None


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    cause = values.pop("cause")
    return Run(**{**values, "state": RunState(values["state"])}, cause=Cause(**cause) if cause else None)


def cause_document(cause: Cause) -> dict[str, Any]:
    """Return a cause as the store keeps it."""
    return asdict(cause)

"""Runs. The only writer of their states: every change goes through the transition table and leaves a history row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Row,
    RowMapping,
    ScalarSelect,
    bindparam,
    delete,
    insert,
    select,
    tuple_,
    update,
)

from gristmill.domain.capacity import Capacity
from gristmill.domain.errors import Conflict, NotFound
from gristmill.domain.event import EventKind, kind_of
from gristmill.domain.notification import alarm_at
from gristmill.domain.progress import Progress
from gristmill.domain.retention import expires_at
from gristmill.domain.run import ACTIVE, FINAL, Cause, Run, RunEvent, RunMoved, RunState, Transition, next_state
from gristmill.domain.run_spec import RunResult, RunSpec
from gristmill.domain.worker_labels import labels_text
from gristmill.store import run_events, run_writes
from gristmill.store.database import Connection, lineage_source, note
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of
from gristmill.store.schema import jobs, lanes, run_history, runs
from gristmill.telemetry import scope

COLUMNS = columns_of(runs, Run)
"""Of a run as lists show it: without its heavy columns."""
_COUNTED = ("scored", "rejected", "not_attempted")


class StaleFence(Conflict):
    """The run has been handed to another worker since; what this one did no longer counts."""

    code = "stale_fence"


def create(
    connection: Connection, run: Run, spec: RunSpec, *, contents: Iterable[str], idempotency_key: str | None = None
) -> Run:
    """Insert a queued run at the end of its lane, with the keys of all contents that it needs as long as it exists.

    Its ``place`` is given by the database.
    """
    values = {**_inserted(run, spec), "idempotency_key": idempotency_key}
    change = _change("created", RunState.QUEUED, at=run.created_at, fence=0, actor=run.requester_id)
    return replace(run, place=run_writes.create(connection, values, change, keys=contents))


def create_all(connection: Connection, new: Sequence[tuple[Run, RunSpec]]) -> None:
    """Insert queued runs at one go, in this order, each at the end of its lane."""
    if not new:
        return
    connection.execute(insert(runs), [_inserted(run, spec) for run, spec in new])
    created = {"number": 1, "event": "created", "state": str(RunState.QUEUED), "fence": 0}
    rows = [{**created, "run_id": run.id, "at": run.created_at, "actor": run.requester_id} for run, _ in new]
    connection.execute(insert(run_history), rows)


def by_idempotency_key(connection: Connection, requester_id: str, key: str) -> Run | None:
    """Return the run that this user made with this key before."""
    query = select(*COLUMNS).where(runs.c.requester_id == requester_id, runs.c.idempotency_key == key)
    row = connection.execute(query).first()
    return run_of(row) if row else None


def get(connection: Connection, run_id: str) -> Run | None:
    """Return a run by its id in the jobs API, hidden ones too."""
    row = _BY_ID.first(connection, {"of_run": run_id})
    return run_of(row) if row else None


def get_by_deployment_job(connection: Connection, deployment_job_id: str) -> Run | None:
    """Return a run by its id in the ML API, hidden ones too."""
    row = _BY_DEPLOYMENT_JOB.first(connection, {"of_job": deployment_job_id})
    return run_of(row) if row else None


def spec(connection: Connection, run_id: str) -> RunSpec:
    """Return what the run was frozen with."""
    return RunSpec.of(_SPEC.scalar(connection, {"of_run": run_id}))


def result(connection: Connection, run_id: str) -> RunResult | None:
    """Return what the run left, None while it has not ended."""
    document = _RESULT.scalar(connection, {"of_run": run_id})
    return RunResult.of(document) if document else None


def these(connection: Connection, run_ids: Sequence[str]) -> list[Run]:
    """Return the runs with these ids that are still there, without their heavy columns."""
    return [run_of(row) for row in connection.execute(select(*COLUMNS).where(runs.c.id.in_(run_ids)))]


def held(connection: Connection, run_ids: Sequence[str]) -> dict[str, tuple[Run, Held]]:
    """Return these runs, whose lanes this transaction has locked, each with what `advance` goes by."""
    query = select(*COLUMNS, jobs.c.notification).join(jobs, jobs.c.id == runs.c.job_id).where(runs.c.id.in_(run_ids))
    query = query.with_for_update(of=runs, key_share=True)
    return {row["id"]: (run_in(row), held_in(row)) for row in connection.execute(query).mappings()}


def newest(connection: Connection, job_ids: Sequence[str]) -> list[Run]:
    """Return the newest visible run of each of these jobs, without their heavy columns."""
    lasts = connection.execute(select(*(newest_place(state) for state in RunState)).where(jobs.c.id.in_(job_ids)))
    places = [max(found) for found in ([place for place in last if place] for last in lasts) if found]
    return [run_of(row) for row in connection.execute(select(*COLUMNS).where(runs.c.place.in_(places)))]


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
    held: Held | None = None,
    claim: Mapping[str, Any] | None = None,
) -> RunState:
    """Move a run by one event: state, time stamps, history row, and the claim that it no longer needs.

    ``fence`` is given by workers: the change counts only while theirs is the current one. ``changes`` are further
    columns to set in the same statement. ``held`` is how the run is, where this transaction has locked its lane and
    read it since. ``claim`` is what it is held by from now on, without its id.

    Raises:
        NotFound: there is no such run.
        StaleFence: the run belongs to a newer claim, or to none.
        IllegalTransition: the table has no such row.

    """
    held = held or lock(connection, run_id, lane=event not in _LEAVES_LANE_AS_IT_IS)
    lane_id, state, current = held.lane_id, held.state, held.fence
    if fence is not None and (fence != current or state not in ACTIVE):
        raise StaleFence(f"The run is {state} under fence {current}; this worker holds {fence}.")
    after = next_state(state, event)
    values = {**_stamps(state, after, now), **_alarm(held, after, now), **(changes or {})}
    values |= {"state": str(after), "modified_at": now}
    if after in FINAL:
        values["expires_at"] = expires_at(held.retention_days, now)
    before = {"of_run": run_id, "in_state": str(state), "under_fence": current}
    change = _change(str(event), after, at=now, fence=values.get("fence", current), actor=actor)
    drops = state in ACTIVE and after not in ACTIVE
    number = run_writes.advance(connection, before, values, change, claim=claim, drops=drops)
    if number is None:
        raise StaleFence(f"The run changed while its lane {lane_id} was locked.")
    note(connection, _moved(held, event, after, now=now, changes=values))
    # Most jobs ask for nothing, and pay nothing.
    if kind_of(after) and (held.notification or lineage_source(connection)):
        run_events.tell(connection, run_id, number=number, now=now)
    return after


def add_left(connection: Connection, run_id: str, found: RunResult) -> bool:
    """Add log, files, kept rows to the result of a run that has ended; False where it has not, or has them already."""
    try:
        held = lock(connection, run_id)
    except NotFound:
        return False
    before = result(connection, run_id) or RunResult()
    twice: object = {file.name for file in before.files} & {file.name for file in found.files}
    twice = twice or (before.log_key and found.log_key) or (before.kept_rows and found.kept_rows)
    if held.state not in FINAL or twice:
        return False
    after = replace(
        before,
        files=(*before.files, *found.files),
        log_key=before.log_key or found.log_key,
        kept_rows=before.kept_rows or found.kept_rows,
    )
    connection.execute(update(runs).where(runs.c.id == run_id).values(result=after.document()))
    return True


def hide(connection: Connection, run_id: str, now: datetime) -> None:
    """Mark a run as deleted; its row goes when it has ended."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(deleted_at=now))


def pin(connection: Connection, run_id: str, *, pinned: bool) -> None:
    """Keep a run whatever its retention, or leave it to that again."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(pinned=pinned))


def reseal(connection: Connection, place: int, spec: Mapping[str, Any]) -> None:
    """Write the spec of the run of this place with its secrets encrypted anew; nothing else of it may differ."""
    connection.execute(update(runs).where(runs.c.place == place).values(spec=dict(spec)))


def clear_alarms(connection: Connection, run_ids: Sequence[str]) -> None:
    """Turn the alarms of these runs off."""
    connection.execute(update(runs).where(runs.c.id.in_(run_ids)).values(alarm_at=None))


def remove(connection: Connection, run_id: str) -> None:
    """Delete a run and its history."""
    connection.execute(delete(runs).where(runs.c.id == run_id))


def remove_these(connection: Connection, run_ids: Sequence[str]) -> None:
    """Delete runs and their history."""
    connection.execute(delete(runs).where(runs.c.id.in_(run_ids)))


def report_progress(connection: Connection, run_id: str, progress: Progress, *, fence: int) -> None:
    """Note how far a run is; a stale fence changes nothing."""
    statement = update(runs).where(runs.c.id == run_id, runs.c.fence == fence, runs.c.state.in_(sorted(ACTIVE)))
    values = {"rows_done": progress.rows_done, "rows_total": progress.rows_total, "pace": progress.pace() or None}
    connection.execute(statement.values(**values))


def completed_before(connection: Connection, run: Run) -> tuple[Run, RunResult] | None:
    """Return the newest run of the same job that had completed when this one was made, with what it left."""
    key = (runs.c.state, runs.c.place)
    between = (
        tuple_(*key) > tuple_(str(RunState.COMPLETED), 0),
        tuple_(*key) < tuple_(str(RunState.COMPLETED), run.place),
    )
    query = select(*COLUMNS, runs.c.result).where(runs.c.job_id == run.job_id, *between)
    row = connection.execute(query.order_by(*(column.desc() for column in key)).limit(1)).first()
    if row is None or not row.result:
        return None
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    left = RunResult.of(values.pop("result"))
    return _run(values), left


def some(connection: Connection, *, column: str, value: str, limit: int) -> list[Run]:
    """Return up to ``limit`` runs of a space, job or deployment, hidden ones too, for deleting them in batches."""
    query = select(*COLUMNS).where(runs.c[column] == value).order_by(runs.c.place).limit(limit)
    return [run_of(row) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What `advance` goes by. ``retention_days`` is what the run asked for, ``notification`` what its job does."""

    lane_id: str
    kind: str
    state: RunState
    fence: int
    retention_days: int | None
    alarm_at: datetime | None
    modified_at: datetime
    started_at: datetime | None
    deleted_at: datetime | None
    notification: Mapping[str, Any]


# Made once: to build them anew each time takes longer than SQLite needs to execute them.
_THIS: BindParameter[str] = bindparam("of_run")
_BY_ID = Prepared(select(*COLUMNS).where(runs.c.id == _THIS))
_BY_DEPLOYMENT_JOB = Prepared(select(*COLUMNS).where(runs.c.deployment_job_id == bindparam("of_job")))
_SPEC = Prepared(select(runs.c.spec).where(runs.c.id == _THIS))
_RESULT = Prepared(select(runs.c.result).where(runs.c.id == _THIS))
_AS_HELD = (
    select(*(runs.c[column.name] for column in fields(Held) if column.name != "notification"), jobs.c.notification)
    .join(jobs, jobs.c.id == runs.c.job_id)
    .where(runs.c.id == _THIS)
)
_HELD = Prepared(_AS_HELD.with_for_update(of=runs, key_share=True))
# Locked in this order, as a claim does, so that the two cannot deadlock.
_OF_LANE = _AS_HELD.join(lanes, lanes.c.id == runs.c.lane_id)
_HELD_WITH_LANE = Prepared(_OF_LANE.with_for_update(of=[lanes, runs], key_share=True))
_LEAVES_LANE_AS_IT_IS = frozenset({RunEvent.STARTED})
"""Events that change no count of the lane: its run waits for nobody else of the lane."""


def newest_place(state: RunState) -> ScalarSelect[Any]:
    """Select a job's newest place in a state, within a query over jobs; compared as in ``run_pages.newest_places``."""
    key = (runs.c.state, runs.c.place)
    between = (tuple_(*key) > tuple_(str(state), 0), tuple_(*key) < tuple_(str(state), 2**63 - 1))
    query = select(runs.c.place).where(runs.c.job_id == jobs.c.id, *between, runs.c.deleted_at.is_(None))
    return query.order_by(*(column.desc() for column in key)).limit(1).scalar_subquery()


def _inserted(run: Run, spec: RunSpec) -> dict[str, Any]:
    later = {"place", "cause", "pace"}
    values = {field.name: getattr(run, field.name) for field in fields(run) if field.name not in later}
    reserved = Capacity.of(cpus=spec.cpus, memory_bytes=spec.memory_limit_bytes)
    room: dict[str, Any] = {"millicores": reserved.millicores, "memory_bytes": reserved.memory_bytes}
    room["labels"] = labels_text(spec.hardware.get("labels") or ())
    # Also of a run that is done again: its request is another.
    return {**values, **room, "spec": replace(spec, traceparent=scope.traceparent()).document()}


def lock(connection: Connection, run_id: str, *, lane: bool = True) -> Held:
    """Lock the lane, if what follows changes its counts, then the run; and read what `advance` goes by."""
    with_lane = lane and connection.dialect.name == "postgresql"
    row = (_HELD_WITH_LANE if with_lane else _HELD).first(connection, {"of_run": run_id})
    if row is None:
        raise NotFound(f"There is no run {run_id}.", code="run_not_found")
    return held_in(row._mapping)  # noqa: SLF001 - public API of Row


def held_in(row: RowMapping) -> Held:
    """Return what `advance` goes by, from a row that has other columns, too."""
    values = {column.name: row[column.name] for column in fields(Held)}
    return Held(**{**values, "state": RunState(values["state"])})


def _alarm(held: Held, after: RunState, now: datetime) -> dict[str, Any]:
    """Return when to look at the run again: while it waits, while it works, and never once it has ended."""
    match after:
        case RunState.QUEUED:
            wanted = alarm_at(held.notification, EventKind.NOT_STARTED, now)
        case RunState.RUNNING:
            wanted = alarm_at(held.notification, EventKind.LONG_RUNNING, now)
        case state if state in FINAL:
            wanted = None
        case _:
            return {}
    return {"alarm_at": wanted} if wanted != held.alarm_at else {}


def _moved(held: Held, event: RunEvent, after: RunState, *, now: datetime, changes: Mapping[str, Any]) -> RunMoved:
    rows = {name: changes[f"rows_{name}"] for name in _COUNTED if changes.get(f"rows_{name}") is not None}
    resumed = (changes.get("result") or {}).get("rows_resumed") if rows else None
    return RunMoved(
        kind=held.kind,
        event=event,
        before=held.state,
        state=after,
        at=now,
        before_at=held.modified_at,
        started_at=held.started_at,
        cause_code=(changes.get("cause") or {}).get("code"),
        rows={**rows, "resumed": resumed} if resumed else rows,
    )


def _stamps(before: RunState, after: RunState, now: datetime) -> dict[str, Any]:
    match after:
        case RunState.RUNNING:
            return {"started_at": now}
        case RunState.QUEUED:
            return dict.fromkeys(("started_at", "worker_id", "rows_done", "rows_total", "pace"))
        case state if state in FINAL and before not in FINAL:
            return {"finished_at": now}
    return {}


def _change(event: str, state: RunState, *, at: datetime, fence: int, actor: str) -> dict[str, Any]:
    return {"event": event, "state": str(state), "at": at, "fence": fence, "actor": actor}


def run_of(row: Row[Any]) -> Run:
    """Return the run in a row of ``COLUMNS``."""
    return _run(dict(row._mapping))  # noqa: SLF001 - public API of Row


def run_in(row: RowMapping) -> Run:
    """Return the run in a row that has other columns beside ``COLUMNS``."""
    return _run({column.name: row[column.name] for column in COLUMNS})


def _run(values: dict[str, Any]) -> Run:
    cause = values.pop("cause")
    return Run(**{**values, "state": RunState(values["state"])}, cause=Cause(**cause) if cause else None)


def cause_document(cause: Cause) -> dict[str, Any]:
    """Return a cause as the store keeps it."""
    return asdict(cause)

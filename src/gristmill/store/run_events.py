"""What a run's change means to people, written down as an event where its job asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select

from gristmill.domain.event import LINEAGE, Event, EventKind, kind_of, of_alarm, of_run
from gristmill.domain.notification import Notification
from gristmill.domain.run import RunState
from gristmill.store import events, lineage
from gristmill.store.database import Connection, lineage_source
from gristmill.store.schema import jobs, runs, users

_RUN = (
    "id",
    "space_id",
    "job_id",
    "name",
    "kind",
    "state",
    "fence",
    "attempt",
    "requester_id",
    "cause",
    "warning",
    "result",
)
_ROWS = ("rows_read", "rows_scored", "rows_rejected")
_TIMES = ("created_at", "scheduled_for", "started_at", "finished_at")
_NOBODY: Mapping[str, Any] = {"notification": {}}
_BESIDE = (
    jobs.c.name.label("job_name"),
    jobs.c.owner_id,
    jobs.c.scheduler_id,
    jobs.c.notification,
    jobs.c.schedule,
    users.c.name.label("requester_name"),
)


def tell(connection: Connection, run_id: str, *, number: int, now: datetime) -> None:
    """Record the run's newest change, which has this number in its history, if its job or lineage asks for it."""
    row = _read(connection, run_id)
    rows = _rows(row)
    kind = kind_of(RunState(row["state"]), warned=bool(row["warning"] or rows.get("rejected")))
    if kind is None:
        return
    asked = _wishes(row).asks_for(kind, rejected=rows.get("rejected") or 0)
    source = lineage_source(connection)
    found = {LINEAGE: lineage.of(connection, row, kind, source=source, rows=rows, at=now)} if source else {}
    if asked or source:
        _record(connection, row, kind, subject=of_run(run_id, number), now=now, people=asked, **found)


def alarm(connection: Connection, run_id: str, *, now: datetime) -> None:
    """Record that a run has waited or worked for too long, if its job still asks for that."""
    row = _read(connection, run_id)
    waits = RunState(row["state"]) in {RunState.QUEUED, RunState.STARTING}
    kind = EventKind.NOT_STARTED if waits else EventKind.LONG_RUNNING
    patience = _wishes(row).patience(kind)
    if patience:
        subject = of_alarm(run_id, kind, row["fence"])
        _record(connection, row, kind, subject=subject, now=now, minutes=int(patience.total_seconds() // 60))


def _read(connection: Connection, run_id: str) -> RowMapping:
    columns = [runs.c[name] for name in (*_RUN, *_ROWS, *_TIMES)]
    query = select(*columns, *_BESIDE).join(jobs, jobs.c.id == runs.c.job_id)
    query = query.outerjoin(users, users.c.id == runs.c.requester_id).where(runs.c.id == run_id)
    return connection.execute(query).mappings().one()


def _wishes(row: RowMapping) -> Notification:
    return Notification.of(row["notification"])


def _record(
    connection: Connection,
    row: RowMapping,
    kind: EventKind,
    *,
    subject: str,
    now: datetime,
    people: bool = True,
    **more: object,
) -> None:
    audience = {name: row[name] for name in ("owner_id", "scheduler_id", "notification")} if people else _NOBODY
    happened = Event(
        subject=subject,
        kind=kind,
        space_id=row["space_id"],
        job_id=row["job_id"],
        run_id=row["id"],
        at=now,
        document={**_document(row), **more},
        audience=audience,
    )
    events.record(connection, [happened])


def _document(row: RowMapping) -> dict[str, Any]:
    cause = row["cause"] or {}
    described = {
        "job_name": row["job_name"],
        "run_name": row["name"],
        "run_kind": row["kind"],
        "state": row["state"],
        "attempt": row["attempt"],
        "requester_id": row["requester_id"],
        "requester_name": row["requester_name"],
        "cause": {name: cause.get(name) for name in ("code", "message")} if cause else None,
        "warning": row["warning"],
        "rows": _rows(row) or None,
        "zone": (row["schedule"] or {}).get("zone"),
        **{name: row[name].isoformat() if row[name] else None for name in _TIMES},
    }
    return {name: value for name, value in described.items() if value is not None}


def _rows(row: RowMapping) -> dict[str, int]:
    """Return how many rows were read, scored and rejected; of what counts something else, what its result tells."""
    result: Mapping[str, Any] = row["result"] or {}
    counted = {name: row[name] if row["rows_read"] is not None else result.get(name) for name in _ROWS}
    return {name.removeprefix("rows_"): number for name, number in counted.items() if number is not None}

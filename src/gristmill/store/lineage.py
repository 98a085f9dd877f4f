"""A change of a run as an event of lineage: what it says is read in the transaction that makes it true."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select

from gristmill.domain.event import EventKind
from gristmill.domain.lineage import LineageEvent, LineageRun, LineageSource
from gristmill.domain.run_spec import RunResult, RunSpec
from gristmill.store.database import Connection
from gristmill.store.schema import assets, jobs, runs, spaces

_MORE = (
    runs.c.spec,
    runs.c.deployment_id,
    jobs.c.description.label("job_description"),
    spaces.c.name.label("space_name"),
)
_OF_RUN = ("id", "kind", "state", "attempt", "job_id", "job_name", "space_id", "scheduled_for", "cause", "warning")


def of(
    connection: Connection,
    row: RowMapping,
    kind: EventKind,
    *,
    source: LineageSource,
    rows: Mapping[str, int],
    at: datetime,
) -> dict[str, Any]:
    """Return the event, in OpenLineage's JSON. ``row`` has the run and its job, ``rows`` its numbers of rows."""
    query = select(*_MORE).join(jobs, jobs.c.id == runs.c.job_id).join(spaces, spaces.c.id == runs.c.space_id)
    more = dict(connection.execute(query.where(runs.c.id == row["id"])).mappings().one())
    spec = RunSpec.of(more.pop("spec"))
    event = LineageEvent(
        kind=kind,
        at=at,
        source=source,
        run=LineageRun(**{name: row[name] for name in _OF_RUN}, **more, rows=rows),
        spec=spec,
        result=RunResult.of(row["result"]) if row["result"] else None,
        connections=_connections(connection, spec),
    )
    return event.document()


def _connections(connection: Connection, spec: RunSpec) -> dict[str, Mapping[str, Any]]:
    """Return the connections that the run names, without their secrets, which are stored apart from this."""
    data = [one.data for one in spec.connected_inputs] + ([spec.connected_output.data] if spec.connected_output else [])
    if not data:
        return {}
    wanted = select(assets.c.id, assets.c.entity).where(assets.c.id.in_([one.connection_id for one in data]))
    return {row.id: row.entity["connection"] for row in connection.execute(wanted)}

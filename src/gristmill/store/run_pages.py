"""Lists of runs, the newest first, as fast on the last page of a million as on the first."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, tuple_, union_all

from gristmill.domain.errors import Invalid
from gristmill.domain.page import Page
from gristmill.domain.run import Run, RunState
from gristmill.store import run_counts
from gristmill.store.database import Connection
from gristmill.store.runs import COLUMNS, run_of
from gristmill.store.schema import runs

_NEWEST = 2**63 - 1
_LONGEST_MARK = 64


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
    """List the visible runs of a space, a job or a deployment, without their heavy columns; ``count`` counts them all.

    Raises:
        Invalid: ``start`` is no mark that a page before gave.

    """
    before = _read_mark(start) if start else _NEWEST
    # Of runs that a job or a lane has in common, all are of its space and deployment, or none: that is asked last.
    common = [_plain("space_id", space_id), *([_plain("deployment_id", deployment_id)] if deployment_id else [])]
    inside = [runs.c.deleted_at.is_(None), *(common if job_id and deployment_id else [])]
    of = _narrowest(space_id, job_id, deployment_id)
    # Each state is a list of its own, to be merged, also when all are wanted.
    lists = [
        newest_places(connection, of, state, *inside, before=before, limit=limit + 1)
        for state in sorted(set(states or RunState))
    ]
    places = _merged(lists, limit + 1)
    query = select(*COLUMNS).where(runs.c.place.in_(places), *common).order_by(runs.c.place.desc())
    rows = connection.execute(query).all()
    more = _write_mark(rows[limit - 1].place) if len(rows) > limit else None
    total = _total(connection, space_id, job_id, deployment_id, states) if count else None
    return Page(items=[run_of(row) for row in rows[:limit]], next=more, total=total)


def newest_places(
    connection: Connection,
    of: Mapping[str, str],
    state: RunState,
    *where: ColumnElement[bool],
    before: int = _NEWEST,
    limit: int,
) -> Select[Any]:
    """Select the newest places in a state ``of`` a job, a lane or a space, where an index has both and the place."""
    ((owner, owner_id),) = of.items()
    key = (runs.c.state, runs.c.place)
    between = [runs.c.state == str(state), runs.c.place < before]
    if connection.dialect.name == "postgresql":
        # Compared and sorted as a row. With = it would be free to walk the primary key backwards until it has met
        # enough of such runs, as it does where they are many: past a million others when they are all old.
        between = [tuple_(*key) > tuple_(str(state), 0), tuple_(*key) < tuple_(str(state), before)]
    query = select(runs.c.place).where(runs.c[owner] == owner_id, *between, *where)
    return query.order_by(*(column.desc() for column in key)).limit(limit)


def _narrowest(space_id: str, job_id: str | None, deployment_id: str | None) -> dict[str, str]:
    if job_id:
        return {"job_id": job_id}
    # A deployment's lane has its id.
    return {"lane_id": deployment_id} if deployment_id else {"space_id": space_id}


def _plain(column: str, value: str) -> ColumnElement[bool]:
    """Compare a column without its index, which SQLite might take instead of the places."""
    return runs.c[column].concat("") == value


def _merged(lists: Sequence[Select[Any]], limit: int) -> Select[Any]:
    together = union_all(*(select(one.subquery()) for one in lists)).subquery()
    return select(together.c.place).order_by(together.c.place.desc()).limit(limit)


def _total(
    connection: Connection, space_id: str, job_id: str | None, deployment_id: str | None, states: Sequence[RunState]
) -> int:
    if not deployment_id:
        return run_counts.total(connection, space_id, job_id=job_id, states=states)
    # Not counted ahead: no list on the wire tells how many runs a deployment has.
    where = [runs.c.deleted_at.is_(None), runs.c.space_id == space_id, runs.c.lane_id == deployment_id]
    where += [runs.c.job_id == job_id] if job_id else []
    where += [runs.c.state.in_([str(state) for state in states])] if states else []
    return int(connection.execute(select(func.count()).select_from(runs).where(*where)).scalar_one())


def _write_mark(place: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([place]).encode()).decode().rstrip("=")


def _read_mark(mark: str) -> int:
    try:
        found = (
            json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4))) if len(mark) < _LONGEST_MARK else None
        )
    except ValueError:
        found = None
    match found:
        case [int(place)] if 0 < place <= _NEWEST:
            return place
    raise Invalid("start: this mark is not one that a page before gave. Begin again without it.", field="start")

"""Lists of runs, the newest first, as fast on the last page of a million as on the first."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    select,
    tuple_,
    union_all,
)

from gristmill.domain.errors import Invalid
from gristmill.domain.page import Page
from gristmill.domain.run import Run, RunState
from gristmill.store import run_counts
from gristmill.store.database import Connection
from gristmill.store.runs import COLUMNS, run_of
from gristmill.store.schema import runs

_NEWEST = 2**63 - 1
_LONGEST_MARK = 64
_SPACE: BindParameter[str] = bindparam("of_space")
_JOB: BindParameter[str] = bindparam("of_job")
_DEPLOYMENT: BindParameter[str] = bindparam("of_deployment")


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
    shown = tuple(sorted(set(states or RunState)))
    query = _page(connection.dialect.name, shown, job=job_id is not None, deployment=deployment_id is not None)
    asked = {"of_space": space_id, "of_job": job_id, "of_deployment": deployment_id}
    given = {name: value for name, value in asked.items() if value is not None}
    rows = connection.execute(query, {**given, "before": before, "at_most": limit + 1}).all()
    more = _write_mark(rows[limit - 1].place) if len(rows) > limit else None
    total = _total(connection, space_id, job_id, deployment_id, states) if count else None
    return Page(items=[run_of(row) for row in rows[:limit]], next=more, total=total)


@lru_cache(maxsize=256)
def _page(dialect: str, states: tuple[RunState, ...], *, job: bool, deployment: bool) -> Select[Any]:
    """Make a page's query, which takes longer than to execute it."""
    # Of runs that a job or a lane has in common, all are of its space and deployment, or none: that is asked last.
    common = [_plain("space_id", _SPACE), *([_plain("deployment_id", _DEPLOYMENT)] if deployment else [])]
    inside = [runs.c.deleted_at.is_(None), *(common if job and deployment else [])]
    of = _narrowest(job=job, deployment=deployment)
    before, limit = bindparam("before", type_=BigInteger), bindparam("at_most", type_=Integer)
    # Each state is a list of its own, to be merged, also when all are wanted.
    lists = [newest_places(dialect, of, state, *inside, before=before, limit=limit) for state in states]
    places = _merged(lists, limit)
    return select(*COLUMNS).where(runs.c.place.in_(places), *common).order_by(runs.c.place.desc())


def newest_places(
    dialect: str,
    of: Mapping[str, str | BindParameter[str]],
    state: RunState,
    *where: ColumnElement[bool],
    before: int | BindParameter[int] = _NEWEST,
    limit: int | BindParameter[int],
) -> Select[Any]:
    """Select the newest places in a state ``of`` a job, a lane or a space, where an index has both and the place."""
    ((owner, owner_id),) = of.items()
    key = (runs.c.state, runs.c.place)
    between = [runs.c.state == str(state), runs.c.place < before]
    if dialect == "postgresql":
        # Compared and sorted as a row. With = it would be free to walk the primary key backwards until it has met
        # enough of such runs, as it does where they are many: past a million others when they are all old.
        between = [tuple_(*key) > tuple_(str(state), 0), tuple_(*key) < tuple_(str(state), before)]
    query = select(runs.c.place).where(runs.c[owner] == owner_id, *between, *where)
    return query.order_by(*(column.desc() for column in key)).limit(limit)


def _narrowest(*, job: bool, deployment: bool) -> dict[str, BindParameter[str]]:
    if job:
        return {"job_id": _JOB}
    # A deployment's lane has its id.
    return {"lane_id": _DEPLOYMENT} if deployment else {"space_id": _SPACE}


def _plain(column: str, value: BindParameter[str]) -> ColumnElement[bool]:
    """Compare a column without its index, which SQLite might take instead of the places."""
    return runs.c[column].concat("") == value


def _merged(lists: Sequence[Select[Any]], limit: BindParameter[int]) -> Select[Any]:
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

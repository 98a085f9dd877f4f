"""Things of a user's spaces by a part of their name, or by their id. Runs are found by id: they are many."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, or_, select

from gristmill.domain.found import Found, FoundKind
from gristmill.domain.space import SpaceState
from gristmill.store.database import Connection
from gristmill.store.schema import assets, deployments, jobs, members, runs, spaces


def find(connection: Connection, user_id: str, text: str, *, limit: int) -> list[Found]:
    """Return up to ``limit`` things of each kind, the newest first."""
    queries = {
        FoundKind.JOB: _visible(jobs, user_id).where(_named(jobs, text), jobs.c.deleted_at.is_(None)),
        FoundKind.RUN: _visible(runs, user_id, runs.c.job_id).where(_has_id(text), runs.c.deleted_at.is_(None)),
        FoundKind.DEPLOYMENT: _visible(deployments, user_id).where(_named(deployments, text)),
        FoundKind.ASSET: _visible(assets, user_id, assets.c.type).where(
            _named(assets, text), assets.c.deleted_at.is_(None)
        ),
    }
    return [
        Found(kind=kind, **row)
        for kind, query in queries.items()
        for row in connection.execute(query.limit(limit)).mappings()
    ]


def _visible(table: Table, user_id: str, *more: Any) -> Select[Any]:  # noqa: ANN401 - columns
    mine = select(members.c.space_id).where(members.c.user_id == user_id, members.c.state == "active")
    columns = (table.c.id, table.c.name, table.c.space_id, spaces.c.name.label("space_name"))
    query = select(*columns, *more).join(spaces, spaces.c.id == table.c.space_id)
    query = query.where(spaces.c.state == str(SpaceState.ACTIVE), table.c.space_id.in_(mine))
    return query.order_by(table.c.created_at.desc(), table.c.id)


def _named(table: Table, text: str) -> Any:  # noqa: ANN401 - an SQL condition
    return or_(table.c.name.icontains(text, autoescape=True), table.c.id == text)


def _has_id(text: str) -> Any:  # noqa: ANN401 - an SQL condition
    return or_(runs.c.id == text, runs.c.deployment_job_id == text)

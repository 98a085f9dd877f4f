"""What a search over assets looks at: assets, and jobs and runs, which the wire counts among them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, Table, literal, select, union_all

from gristmill.domain.asset import AssetType
from gristmill.store.assets import COLUMNS
from gristmill.store.column_types import Document
from gristmill.store.schema import assets, jobs, runs


def searched(space_id: str, type_name: str) -> Subquery:
    """Return what is searched in a space, with the columns of assets and under their name, without the trash.

    ``asset`` is the wire's word for all types. Runs are left out of it: they are many, and come and go.
    """
    match type_name:
        case AssetType.JOB:
            found: Any = _jobs(space_id)
        case AssetType.JOB_RUN:
            found = _runs(space_id)
        case "asset":
            found = union_all(_assets(space_id), _jobs(space_id))
        case _:
            found = _assets(space_id).where(assets.c.type == type_name)
    return found.subquery("assets")  # type: ignore[no-any-return]


def _assets(space_id: str) -> Select[Any]:
    return select(*COLUMNS).where(assets.c.space_id == space_id, assets.c.deleted_at.is_(None))


def _jobs(space_id: str) -> Select[Any]:
    columns = _as_assets(jobs, AssetType.JOB, owner=jobs.c.owner_id, description=jobs.c.description)
    return select(*columns).where(jobs.c.space_id == space_id, jobs.c.deleted_at.is_(None))


def _runs(space_id: str) -> Select[Any]:
    columns = _as_assets(runs, AssetType.JOB_RUN, owner=runs.c.requester_id, description=literal(""))
    return select(*columns).where(runs.c.space_id == space_id, runs.c.deleted_at.is_(None))


def _as_assets(
    table: Table, type_name: str, *, owner: ColumnElement[Any], description: ColumnElement[Any]
) -> list[ColumnElement[Any]]:
    """Return a table's columns under the names, and in the order, of the columns of assets."""
    own: dict[str, ColumnElement[Any]] = {
        "type": literal(str(type_name)),
        "owner_id": owner,
        "description": description,
        "tags": literal([], Document),
        "entity": literal({}, Document),
        "latest_revision": literal(0),
        "size": literal(0),
    }
    names = [str(column.key) for column in COLUMNS]
    return [(own[name] if name in own else table.c[name]).label(name) for name in names]

"""Lists of assets with what made them and what uses them: bounded, however many outputs and jobs there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, Text, and_, case, cast, func, select

from gristmill.domain.asset import HEAD, Asset
from gristmill.domain.asset_summary import Maker, Outputs, Use
from gristmill.domain.deployment import DeploymentState
from gristmill.domain.page import Page
from gristmill.store.assets import COLUMNS, asset_of
from gristmill.store.database import Connection
from gristmill.store.rows import page_by_time
from gristmill.store.schema import assets, attachments, deployments, jobs, runs
from gristmill.store.schema import deployment_job_definitions as definitions

_MOST_GROUPS = 50
_MOST_JOBS = 1_000
"""References to data stand in jobs' documents; the newest so many of a space are looked through."""
_MOST_CHARACTERS = 8_000
"""How much of a document is looked through: it may have rows in it."""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOST_USES = 100


def page(
    connection: Connection,
    space_id: str,
    *,
    limit: int,
    start: str | None = None,
    type_name: str | None = None,
    text: str | None = None,
    maker_job_id: str | None = None,
) -> Page[Asset]:
    """List what no run wrote, or the outputs of one job, the newest first; ``text`` is looked for in the names."""
    where = [*_there(space_id), _of_maker(maker_job_id)]
    if type_name:
        where.append(assets.c.type == type_name)
    if text:
        where.append(func.lower(assets.c.name).contains(text.lower(), autoescape=True))
    query = select(*COLUMNS).where(*where)
    return page_by_time(connection, query, assets, asset_of, limit=limit, start=start, newest_first=True)


def by_type(connection: Connection, space_id: str) -> dict[str, int]:
    """Count the assets that no run wrote, by type."""
    query = select(assets.c.type, func.count()).where(*_there(space_id), assets.c.maker_job_id.is_(None))
    return {name: int(number) for name, number in connection.execute(query.group_by(assets.c.type))}


def outputs(connection: Connection, space_id: str) -> list[Outputs]:
    """Return the jobs with outputs, those with the newest first."""
    newest = func.max(assets.c.created_at)
    sums = (func.count().label("number"), func.sum(assets.c.size).label("size"), newest.label("newest_at"))
    query = (
        select(assets.c.maker_job_id.label("job_id"), *sums)
        .where(*_there(space_id), assets.c.maker_job_id.is_not(None))
        .group_by(assets.c.maker_job_id)
        .order_by(newest.desc())
        .limit(_MOST_GROUPS)
    )
    groups = query.subquery()
    named = select(groups, _living_job_name()).outerjoin(jobs, jobs.c.id == groups.c.job_id)
    rows = connection.execute(named.order_by(groups.c.newest_at.desc())).mappings()
    return [Outputs(**{**row, "size": int(row["size"])}) for row in rows]


def makers(connection: Connection, asset_ids: Sequence[str]) -> dict[str, Maker]:
    """Return by asset the run that wrote it; absent are those that no run wrote."""
    columns = (
        assets.c.id,
        assets.c.maker_job_id.label("job_id"),
        assets.c.maker_run_id.label("run_id"),
        _living_job_name(),
        case((runs.c.deleted_at.is_(None), runs.c.name)).label("run_name"),
    )
    query = select(*columns).outerjoin(jobs, jobs.c.id == assets.c.maker_job_id)
    query = query.outerjoin(runs, runs.c.id == assets.c.maker_run_id)
    query = query.where(assets.c.id.in_(asset_ids), assets.c.maker_job_id.is_not(None))
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return {row.pop("id"): Maker(**row) for row in rows}


def deployments_of(connection: Connection, asset_ids: Sequence[str]) -> dict[str, int]:
    """Count by asset its deployments."""
    where = (deployments.c.asset_id.in_(asset_ids), deployments.c.state != str(DeploymentState.DELETING))
    query = select(deployments.c.asset_id, func.count()).where(*where).group_by(deployments.c.asset_id)
    return {asset_id: int(number) for asset_id, number in connection.execute(query)}


def jobs_with(connection: Connection, space_id: str, asset_ids: Sequence[str]) -> Counter[str]:
    """Count by asset the jobs that run it, read it or write it."""
    wanted, found = set(asset_ids), Counter[str]()
    if wanted:
        # One look at each document here, where a database would take one for each asset.
        for said in connection.execute(select(_said(space_id).c.said)).scalars():
            found.update(wanted.intersection(_ID.findall(said)))
    return found


def uses_by_deployments(connection: Connection, asset_id: str) -> list[Use]:
    """Return the deployments of an asset, by name."""
    where = (deployments.c.asset_id == asset_id, deployments.c.state != str(DeploymentState.DELETING))
    query = select(deployments.c.id, deployments.c.name).where(*where).order_by(deployments.c.name).limit(MOST_USES)
    return [Use(id=row.id, name=row.name, how="runs") for row in connection.execute(query)]


def uses_by_jobs(connection: Connection, space_id: str, asset_id: str) -> list[Use]:
    """Return the jobs that run, read or write an asset, the newest first."""
    said = _said(space_id)
    query = select(said).where(said.c.said.contains(asset_id)).order_by(said.c.created_at.desc()).limit(MOST_USES)
    how = {True: "runs", False: "reads"}
    return [Use(id=row.id, name=row.name, how=how[row.asset_ref == asset_id]) for row in connection.execute(query)]


def assets_behind(connection: Connection, space_id: str, connection_id: str) -> list[Use]:
    """Return the data assets that lie behind a connection, by name."""
    query = select(assets.c.id, assets.c.name).join(attachments, attachments.c.asset_id == assets.c.id)
    where = (attachments.c.connection_id == connection_id, attachments.c.revision == HEAD)
    rows = connection.execute(query.where(*_there(space_id), *where).order_by(assets.c.name).limit(MOST_USES))
    return [Use(id=row.id, name=row.name, how="reads") for row in rows]


def _said(space_id: str) -> Subquery:
    """Select jobs with all that they say as text, in which the ids stand of what they refer to."""
    document = func.coalesce(func.substr(cast(definitions.c.document, Text), 1, _MOST_CHARACTERS), "")
    said = jobs.c.asset_ref + func.substr(cast(jobs.c.configuration, Text), 1, _MOST_CHARACTERS) + document
    query: Select[Any] = select(jobs.c.id, jobs.c.name, jobs.c.asset_ref, jobs.c.created_at, said.label("said"))
    same = and_(definitions.c.id == jobs.c.definition_id, definitions.c.revision == HEAD)
    query = query.outerjoin(definitions, same).where(jobs.c.space_id == space_id, jobs.c.deleted_at.is_(None))
    return query.order_by(jobs.c.created_at.desc()).limit(_MOST_JOBS).subquery("jobs")


def _there(space_id: str) -> list[ColumnElement[bool]]:
    return [assets.c.space_id == space_id, assets.c.deleted_at.is_(None)]


def _of_maker(job_id: str | None) -> ColumnElement[bool]:
    return assets.c.maker_job_id == job_id if job_id else assets.c.maker_job_id.is_(None)


def _living_job_name() -> ColumnElement[Any]:
    return case((jobs.c.deleted_at.is_(None), jobs.c.name)).label("job_name")

"""Deployments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from gristmill.domain.deployment import Deployment, DeploymentState
from gristmill.domain.page import Page
from gristmill.domain.space import Role, Space
from gristmill.store import spaces
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import deployments

COLUMNS = columns_of(deployments, Deployment)
_THIS = select(*COLUMNS).where(deployments.c.id == bindparam("of_deployment"))
_BY_ID = Prepared(_THIS)
_SEEN = Prepared(spaces.with_space_and_role(_THIS, deployments.c.space_id))


def create(connection: Connection, deployment: Deployment) -> None:
    """Insert a deployment; its lane must be there."""
    connection.execute(insert(deployments).values(**values_of(deployment, deployments)))


def get(connection: Connection, deployment_id: str) -> Deployment | None:
    """Return a deployment, also one that is being deleted."""
    row = _BY_ID.first(connection, {"of_deployment": deployment_id})
    return deployment_of(row) if row else None


def seen(connection: Connection, deployment_id: str, user_id: str) -> tuple[Deployment, Space, Role | None] | None:
    """Return a deployment, also one that is being deleted, with its space and the user's role there, if it has any."""
    row = _SEEN.first(connection, {"of_deployment": deployment_id, "of_user": user_id})
    if row is None:
        return None
    space, role, values = spaces.space_and_role(row)
    return _deployment(values), space, role


def these(connection: Connection, deployment_ids: Sequence[str]) -> list[Deployment]:
    """Return the deployments with these ids that are still there."""
    if not deployment_ids:
        return []
    query = select(*COLUMNS).where(deployments.c.id.in_(set(deployment_ids)))
    return [deployment_of(row) for row in connection.execute(query)]


def by_serving_name(connection: Connection, serving_name: str) -> Deployment | None:
    """Return the deployment that holds this name, whose space does not matter: serving names are global."""
    row = connection.execute(select(*COLUMNS).where(deployments.c.serving_name == serving_name)).first()
    return deployment_of(row) if row else None


def named(connection: Connection, space_id: str, name: str) -> Deployment | None:
    """Return the oldest ready deployment of this name in a space."""
    query = select(*COLUMNS).where(
        deployments.c.space_id == space_id,
        deployments.c.name == name,
        deployments.c.state == str(DeploymentState.READY),
    )
    row = connection.execute(query.order_by(deployments.c.created_at, deployments.c.id).limit(1)).first()
    return deployment_of(row) if row else None


def page(
    connection: Connection,
    space_id: str,
    *,
    limit: int,
    start: str | None = None,
    filters: Mapping[str, str] | None = None,
) -> Page[Deployment]:
    """List the visible deployments of a space; ``filters`` are columns and the values that they must have."""
    query = select(*COLUMNS).where(
        deployments.c.space_id == space_id, deployments.c.state != str(DeploymentState.DELETING)
    )
    for column, value in (filters or {}).items():
        query = query.where(deployments.c[column] == value)
    return page_by_time(connection, query, deployments, deployment_of, limit=limit, start=start)


def change(connection: Connection, deployment_id: str, now: datetime, values: Mapping[str, Any]) -> None:
    """Set columns of a deployment."""
    statement = update(deployments).where(deployments.c.id == deployment_id)
    connection.execute(statement.values(**values, modified_at=now))


def deleting(connection: Connection, *, limit: int) -> list[Deployment]:
    """Return deployments that wait to be purged."""
    query = select(*COLUMNS).where(deployments.c.state == str(DeploymentState.DELETING)).limit(limit)
    return [deployment_of(row) for row in connection.execute(query)]


def remove(connection: Connection, deployment_id: str) -> None:
    """Delete a deployment; its default job goes with it."""
    connection.execute(delete(deployments).where(deployments.c.id == deployment_id))


def deployment_of(row: Row[Any]) -> Deployment:
    """Return the deployment of a row of `COLUMNS`."""
    return _deployment(row._mapping)  # noqa: SLF001 - public API of Row


def _deployment(values: Mapping[Any, Any]) -> Deployment:
    return Deployment(**{**values, "state": DeploymentState(values["state"])})

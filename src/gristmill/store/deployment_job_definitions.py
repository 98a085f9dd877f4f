"""Deployment job definitions and their revisions; revision 0 is the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from gristmill.domain.deployment import DeploymentJobDefinition
from gristmill.domain.page import Page
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import deployment_job_definitions as definitions

_COLUMNS = columns_of(definitions, DeploymentJobDefinition)


def create(connection: Connection, definition: DeploymentJobDefinition) -> None:
    """Insert a definition, or a frozen revision of one."""
    connection.execute(insert(definitions).values(**values_of(definition, definitions)))


def get(connection: Connection, definition_id: str, revision: int = 0) -> DeploymentJobDefinition | None:
    """Return a definition at its head, or at a frozen revision."""
    query = select(*_COLUMNS).where(definitions.c.id == definition_id, definitions.c.revision == revision)
    row = connection.execute(query).first()
    return _definition(row) if row else None


def named(connection: Connection, deployment_id: str, name: str) -> DeploymentJobDefinition | None:
    """Return the oldest definition of this name for a deployment, at its head."""
    where = (definitions.c.deployment_id == deployment_id, definitions.c.name == name, definitions.c.revision == 0)
    query = select(*_COLUMNS).where(*where).order_by(definitions.c.created_at, definitions.c.id)
    row = connection.execute(query.limit(1)).first()
    return _definition(row) if row else None


def these(connection: Connection, definition_ids: Sequence[str]) -> list[DeploymentJobDefinition]:
    """Return the definitions with these ids at their heads."""
    if not definition_ids:
        return []
    query = select(*_COLUMNS).where(definitions.c.id.in_(set(definition_ids)), definitions.c.revision == 0)
    return [_definition(row) for row in connection.execute(query)]


def page(
    connection: Connection, space_id: str, *, limit: int, start: str | None = None
) -> Page[DeploymentJobDefinition]:
    """List the definitions of a space at their heads."""
    query = select(*_COLUMNS).where(definitions.c.space_id == space_id, definitions.c.revision == 0)
    return page_by_time(connection, query, definitions, _definition, limit=limit, start=start)


def revisions(connection: Connection, definition_id: str) -> list[DeploymentJobDefinition]:
    """Return the frozen revisions of a definition, the newest first."""
    query = select(*_COLUMNS).where(definitions.c.id == definition_id, definitions.c.revision > 0)
    return [_definition(row) for row in connection.execute(query.order_by(definitions.c.revision.desc()))]


def change(connection: Connection, definition_id: str, now: datetime, values: Mapping[str, Any]) -> None:
    """Set columns of a definition's head."""
    statement = update(definitions).where(definitions.c.id == definition_id, definitions.c.revision == 0)
    connection.execute(statement.values(**values, modified_at=now))


def freeze(connection: Connection, head: DeploymentJobDefinition, now: datetime) -> DeploymentJobDefinition:
    """Keep the head as a new revision and return that."""
    number = head.latest_revision + 1
    frozen = replace(head, revision=number, latest_revision=number)
    create(connection, frozen)
    change(connection, head.id, now, {"latest_revision": number})
    return frozen


def remove(connection: Connection, definition_id: str) -> None:
    """Delete a definition and its revisions."""
    connection.execute(delete(definitions).where(definitions.c.id == definition_id))


def remove_of_deployment(connection: Connection, deployment_id: str) -> None:
    """Delete the definitions of a deployment."""
    connection.execute(delete(definitions).where(definitions.c.deployment_id == deployment_id))


def _definition(row: Row[Any]) -> DeploymentJobDefinition:
    return DeploymentJobDefinition(**row._mapping)  # noqa: SLF001 - public API of Row

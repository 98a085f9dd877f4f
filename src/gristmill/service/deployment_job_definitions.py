"""Deployment job definitions: what a job of a deployment is to do, kept for later runs, with revisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gristmill.domain.deployment import DeploymentJobDefinition
from gristmill.domain.error_threshold import read_of_scoring
from gristmill.domain.errors import NotFound
from gristmill.domain.job_configuration import check_scoring
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import references
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.service.deployments import visible as visible_deployment
from gristmill.service.run_sources import RunSources
from gristmill.store import deployment_job_definitions as definitions
from gristmill.store.database import Connection

PATCHABLE = frozenset({"name", "description", "tags", "custom", "deployment"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDefinition:
    """What a client asks to keep; ``document`` is the wire's entity without its deployment."""

    space_id: str | None
    deployment_id: str
    name: str
    document: Mapping[str, Any]
    description: str = ""
    tags: Sequence[str] = ()


def create(context: Context, actor: Actor, new: NewDefinition) -> DeploymentJobDefinition:
    """Keep a definition.

    Raises:
        Invalid: a member of its ``scoring`` is malformed, or refers to an asset or a connection that is missing.

    """
    with context.database.transaction() as connection:
        return add(context, connection, actor, new)


def add(context: Context, connection: Connection, actor: Actor, new: NewDefinition) -> DeploymentJobDefinition:
    """Do so within a transaction."""
    check_scoring(new.document.get("scoring"))
    now = context.now()
    scoring = new.document.get("scoring")
    read_of_scoring(scoring if isinstance(scoring, Mapping) else None)
    deployment = visible_deployment(connection, actor, new.space_id, new.deployment_id, Permission.EDIT)
    references.check_stored(RunSources(connection), deployment.space_id, scoring or {})
    definition = DeploymentJobDefinition(
        id=context.new_id(),
        space_id=deployment.space_id,
        deployment_id=deployment.id,
        name=new.name,
        description=new.description,
        tags=tuple(new.tags),
        document=new.document,
        owner_id=actor.user_id,
        created_at=now,
        modified_at=now,
    )
    definitions.create(connection, definition)
    return definition


def get(
    context: Context, actor: Actor, space_id: str | None, definition_id: str, *, revision: int = 0
) -> DeploymentJobDefinition:
    """Return a definition at its head or at a revision."""
    with context.database.snapshot() as connection:
        return _visible(connection, actor, space_id, definition_id, Permission.VIEW, revision=revision)


def page(
    context: Context, actor: Actor, space_id: str | None, *, limit: int, start: str | None = None
) -> Page[DeploymentJobDefinition]:
    """List the definitions of a space."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return definitions.page(connection, space.id, limit=limit, start=start)


def change(
    context: Context, actor: Actor, space_id: str | None, definition_id: str, wanted: Mapping[str, Any]
) -> DeploymentJobDefinition:
    """Change a definition's head."""
    with context.database.transaction() as connection:
        definition = _visible(connection, actor, space_id, definition_id, Permission.EDIT)
        values = {name: value for name, value in wanted.items() if name not in {"custom", "deployment"}}
        if "custom" in wanted:
            values["document"] = {**definition.document, "custom": wanted["custom"]}
        if "deployment" in wanted:
            named = str((wanted["deployment"] or {}).get("id", ""))
            values["deployment_id"] = visible_deployment(connection, actor, space_id, named, Permission.EDIT).id
        definitions.change(connection, definition.id, context.now(), values)
        return _visible(connection, actor, space_id, definition_id, Permission.EDIT)


def delete(context: Context, actor: Actor, space_id: str | None, definition_id: str) -> None:
    """Delete a definition and its revisions."""
    with context.database.transaction() as connection:
        definition = _visible(connection, actor, space_id, definition_id, Permission.EDIT)
        definitions.remove(connection, definition.id)


def freeze(context: Context, actor: Actor, space_id: str | None, definition_id: str) -> DeploymentJobDefinition:
    """Keep the head as a revision."""
    with context.database.transaction() as connection:
        definition = _visible(connection, actor, space_id, definition_id, Permission.EDIT)
        return definitions.freeze(connection, definition, context.now())


def revisions(
    context: Context, actor: Actor, space_id: str | None, definition_id: str
) -> list[DeploymentJobDefinition]:
    """Return the revisions of a definition, the newest first."""
    with context.database.snapshot() as connection:
        definition = _visible(connection, actor, space_id, definition_id, Permission.VIEW)
        return definitions.revisions(connection, definition.id)


def _visible(
    connection: Connection,
    actor: Actor,
    space_id: str | None,
    definition_id: str,
    permission: Permission,
    *,
    revision: int = 0,
) -> DeploymentJobDefinition:
    found = definitions.get(connection, definition_id, revision)
    if found is not None:
        authorize(connection, actor, found.space_id, permission)
    if found is None or (space_id and found.space_id != space_id):
        message = f"There is no deployment job definition {definition_id} in this space."
        raise NotFound(message, code="deployment_job_definition_not_found")
    return found

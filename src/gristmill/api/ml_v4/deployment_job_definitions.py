"""`/ml/v4/deployment_job_definitions`: what a job of a deployment is to do, kept for later runs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gristmill.api.envelope import WireResponse, instant, page_limit, resources, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain import json_patch
from gristmill.domain.deployment import DeploymentJobDefinition
from gristmill.service import deployment_job_definitions as definitions
from gristmill.service.deployment_job_definitions import NewDefinition

router = Router(prefix="/ml/v4/deployment_job_definitions", tag="deployment job definitions")
_NOT_ENTITY = frozenset({"name", "description", "tags", "space_id", "deployment"})


class DeploymentReference(BaseModel):
    """The deployment that the definition is for."""

    id: str


class DefinitionBody(BaseModel):
    """What a client sends to keep."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1)
    deployment: DeploymentReference
    space_id: str | None = None
    description: str | None = None
    tags: list[str] | None = None


@router.post("", status_code=201)
def create(ctx: Ctx, me: Me, body: DefinitionBody, space_id: str | None = None) -> Response:
    """Keep a definition."""
    new = NewDefinition(
        space_id=body.space_id or space_id,
        deployment_id=body.deployment.id,
        name=body.name,
        description=body.description or "",
        tags=body.tags or (),
        document={name: value for name, value in body.model_dump().items() if name not in _NOT_ENTITY},
    )
    return WireResponse(envelope(definitions.create(ctx, me, new)), status_code=201)


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    limit: int | None = None,
    start: str | None = None,
) -> dict[str, Any]:
    """List definitions."""
    size = page_limit(limit)
    return resources(request, definitions.page(ctx, me, space_id, limit=size, start=start), envelope, size)


@router.get("/{definition_id}")
def get(ctx: Ctx, me: Me, definition_id: str, space_id: str | None = None, rev: int = 0) -> dict[str, Any]:
    """Return a definition."""
    return envelope(definitions.get(ctx, me, space_id, definition_id, revision=rev))


@router.patch("/{definition_id}")
def change(
    ctx: Ctx,
    me: Me,
    definition_id: str,
    operations: Annotated[list[dict[str, Any]], Body()],
    space_id: str | None = None,
) -> dict[str, Any]:
    """Change a definition by JSON patch."""
    wanted = json_patch.changes(operations, allowed=definitions.PATCHABLE)
    return envelope(definitions.change(ctx, me, space_id, definition_id, wanted))


@router.delete("/{definition_id}", status_code=204)
def delete(ctx: Ctx, me: Me, definition_id: str, space_id: str | None = None) -> None:
    """Delete a definition."""
    definitions.delete(ctx, me, space_id, definition_id)


@router.post("/{definition_id}/revisions", status_code=201)
def freeze(ctx: Ctx, me: Me, definition_id: str, space_id: str | None = None) -> Response:
    """Keep the definition as it is now as a revision."""
    return WireResponse(envelope(definitions.freeze(ctx, me, space_id, definition_id)), status_code=201)


@router.get("/{definition_id}/revisions")
def revisions(ctx: Ctx, me: Me, definition_id: str, space_id: str | None = None) -> dict[str, Any]:
    """List the revisions of a definition."""
    found = definitions.revisions(ctx, me, space_id, definition_id)
    return {"limit": len(found), "resources": [envelope(definition) for definition in found]}


def envelope(definition: DeploymentJobDefinition) -> dict[str, Any]:
    """Return a definition as the wire shows it."""
    metadata = {
        "id": definition.id,
        "name": definition.name,
        "description": definition.description or None,
        "rev": str(definition.revision) if definition.revision else None,
        "created_at": instant(definition.created_at),
        "modified_at": instant(definition.modified_at),
        "owner": definition.owner_id,
        "space_id": definition.space_id,
        "tags": list(definition.tags),
    }
    entity = {"deployment": {"id": definition.deployment_id}, **definition.document}
    return {"entity": entity, "metadata": without_none(metadata)}

"""`/ml/v4/deployments`: batch deployments."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gristmill.api.envelope import WireResponse, instant, page_limit, resources, without_none
from gristmill.api.errors import refusal
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain import json_patch
from gristmill.domain.asset import AssetType
from gristmill.domain.deployment import Deployment
from gristmill.domain.errors import Invalid
from gristmill.service import deployments
from gristmill.service.deployments import NewDeployment

router = Router(prefix="/ml/v4/deployments", tag="deployments")
_TYPES = {AssetType.MODEL: "model", AssetType.FUNCTION: "function", AssetType.SCRIPT: "py_script"}


class AssetReference(BaseModel):
    """The asset to deploy, at its head or at a revision."""

    id: str
    rev: str | int | None = None


class DeploymentBody(BaseModel):
    """What a client sends to deploy."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1)
    space_id: str | None = None
    asset: AssetReference
    batch: dict[str, Any] | None = None
    description: str | None = None
    tags: list[str] | None = None
    custom: dict[str, Any] | None = None
    hardware_spec: dict[str, Any] | None = None
    hybrid_pipeline_hardware_specs: list[dict[str, Any]] | None = None
    serving_name: str | None = Field(default=None, pattern=r"^[a-z0-9_]{1,36}$")


@router.post("", status_code=202)
def create(ctx: Ctx, me: Me, body: DeploymentBody, space_id: str | None = None) -> Response:
    """Deploy an asset for batch jobs."""
    new = NewDeployment(
        space_id=body.space_id or space_id or "",
        name=body.name,
        asset_id=body.asset.id,
        asset_revision=_revision(body.asset.rev),
        batch=body.batch,
        description=body.description or "",
        tags=body.tags or (),
        custom=body.custom or {},
        hardware=body.hardware_spec,
        hybrid_hardware=body.hybrid_pipeline_hardware_specs,
        serving_name=body.serving_name,
    )
    return WireResponse(envelope(deployments.create(ctx, me, new)), status_code=202)


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    asset_id: str | None = None,
    serving_name: str | None = None,
    name: str | None = None,
    limit: int | None = None,
    start: str | None = None,
    *,
    conflict: bool = False,
) -> Response:
    """List deployments; with ``conflict`` and a serving name: 204 when that is free, 409 when it is taken."""
    if conflict and serving_name:
        if deployments.serving_name_is_free(ctx, serving_name):
            return Response(status_code=204)
        return refusal(409, "serving_name_taken", f"The serving name {serving_name} is taken.", field="serving_name")
    size = page_limit(limit)
    filters = {"asset_id": asset_id, "serving_name": serving_name, "name": name}
    found = deployments.page(ctx, me, space_id, limit=size, start=start, **filters)
    return WireResponse(resources(request, found, envelope, size))


@router.get("/{deployment_id}")
def get(ctx: Ctx, me: Me, deployment_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return a deployment."""
    return envelope(deployments.get(ctx, me, space_id, deployment_id))


@router.patch("/{deployment_id}")
def change(
    ctx: Ctx,
    me: Me,
    deployment_id: str,
    operations: Annotated[list[dict[str, Any]], Body()],
    space_id: str | None = None,
) -> dict[str, Any]:
    """Change a deployment by JSON patch."""
    wanted = json_patch.changes(operations, allowed=deployments.PATCHABLE)
    return envelope(deployments.change(ctx, me, space_id, deployment_id, wanted))


@router.delete("/{deployment_id}", status_code=204)
def delete(ctx: Ctx, me: Me, deployment_id: str, space_id: str | None = None) -> None:
    """Take a deployment down, with its jobs and runs."""
    deployments.delete(ctx, me, space_id, deployment_id)


def envelope(deployment: Deployment) -> dict[str, Any]:
    """Return a deployment as the wire shows it."""
    status: dict[str, Any] = {"state": str(deployment.state)}
    if deployment.failure:
        error = {"code": "asset_not_deployable", "message": deployment.failure}
        status["failure"] = {"trace": deployment.id, "errors": [error]}
    entity = {
        "name": deployment.name,
        "description": deployment.description or None,
        "space_id": deployment.space_id,
        "asset": without_none({"id": deployment.asset_id, "rev": _revision_text(deployment)}),
        "deployed_asset_type": _TYPES.get(AssetType(deployment.asset_type)),
        "custom": dict(deployment.custom),
        "batch": {**deployment.batch, "max_running": deployment.max_running},
        "hardware_spec": dict(deployment.hardware),
        "hybrid_pipeline_hardware_specs": deployment.hybrid_hardware,
        "serving_name": deployment.serving_name,
        "status": status,
    }
    metadata = {
        "id": deployment.id,
        "name": deployment.name,
        "description": deployment.description or None,
        "created_at": instant(deployment.created_at),
        "modified_at": instant(deployment.modified_at),
        "owner": deployment.owner_id,
        "space_id": deployment.space_id,
        "tags": list(deployment.tags),
    }
    return {"entity": without_none(entity), "metadata": without_none(metadata)}


def _revision(revision: str | int | None) -> int | None:
    if revision is None or revision == "":
        return None
    if not str(revision).isdigit() or int(revision) < 1:
        raise Invalid(f"asset.rev: {revision!r} is not the number of a revision.", field="asset.rev")
    return int(revision)


def _revision_text(deployment: Deployment) -> str | None:
    return str(deployment.asset_revision) if deployment.asset_revision else None

"""`/v2/parameter_sets`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request

from gristmill.api.envelope import WireResponse, instant, public_url
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.specification_page import size_of
from gristmill.domain.asset import Asset
from gristmill.service import parameter_sets

router = Router(prefix="/v2/parameter_sets", tag="parameter sets")


@router.post("", status_code=201)
def create(
    ctx: Ctx, me: Me, document: Annotated[dict[str, Any], Body()], space_id: str | None = None
) -> dict[str, Any]:
    """Make a parameter set."""
    return envelope(parameter_sets.create(ctx, me, space_id, document))


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    limit: int | None = None,
    start: str | None = None,
) -> WireResponse:
    """List the parameter sets of a space."""
    found = parameter_sets.page(ctx, me, space_id, limit=size_of(limit), start=start)
    answer: dict[str, Any] = {"parameter_sets": [envelope(asset) for asset in found.items]}
    if found.next:
        answer["next"] = {"href": str(public_url(request).include_query_params(start=found.next))}
    return WireResponse(answer)


@router.get("/{asset_id}")
def get(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return a parameter set."""
    return envelope(parameter_sets.get(ctx, me, space_id, asset_id))


@router.patch("/{asset_id}")
def patch(
    ctx: Ctx,
    me: Me,
    asset_id: str,
    operations: Annotated[list[dict[str, Any]], Body()],
    space_id: str | None = None,
) -> dict[str, Any]:
    """Change a parameter set by JSON patch."""
    return envelope(parameter_sets.patch(ctx, me, space_id, asset_id, operations))


@router.delete("/{asset_id}", status_code=204)
def delete(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None) -> None:
    """Move a parameter set to the trash."""
    parameter_sets.delete(ctx, me, space_id, asset_id)


def envelope(asset: Asset) -> dict[str, Any]:
    """Return a parameter set as the wire shows it."""
    metadata = {
        "asset_id": asset.id,
        "name": asset.name,
        "description": asset.description,
        "create_time": instant(asset.created_at),
        "creator_id": asset.owner_id,
        "space_id": asset.space_id,
    }
    return {"metadata": metadata, "entity": dict(asset.entity)}

"""`/v2/connections`. Secrets go in and never come out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body

from gristmill.api.envelope import instant
from gristmill.api.session import Ctx, Me
from gristmill.domain.asset import Asset
from gristmill.service import connections

router = APIRouter(prefix="/v2/connections", tags=["connections"])


@router.post("", status_code=201)
def create(
    ctx: Ctx, me: Me, document: Annotated[dict[str, Any], Body()], space_id: str | None = None
) -> dict[str, Any]:
    """Make a connection."""
    return envelope(connections.create(ctx, me, space_id, document))


@router.get("/{connection_id}")
def get(ctx: Ctx, me: Me, connection_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return a connection."""
    return envelope(connections.get(ctx, me, space_id, connection_id))


@router.patch("/{connection_id}")
def patch(
    ctx: Ctx,
    me: Me,
    connection_id: str,
    operations: Annotated[list[dict[str, Any]], Body()],
    space_id: str | None = None,
) -> dict[str, Any]:
    """Change a connection by JSON patch."""
    return envelope(connections.patch(ctx, me, space_id, connection_id, operations))


@router.delete("/{connection_id}", status_code=204)
def delete(ctx: Ctx, me: Me, connection_id: str, space_id: str | None = None) -> None:
    """Delete a connection for good."""
    connections.delete(ctx, me, space_id, connection_id)


def envelope(asset: Asset) -> dict[str, Any]:
    """Return a connection as the wire shows it."""
    described = asset.entity["connection"]
    metadata = {
        "asset_id": asset.id,
        "asset_type": "connection",
        "create_time": instant(asset.created_at),
        "creator_id": asset.owner_id,
        "space_id": asset.space_id,
        "usage": {"last_access_time": instant(asset.modified_at), "access_count": 0},
        "asset_category": "user",
    }
    entity = {
        "name": asset.name,
        "description": asset.description,
        "tags": list(asset.tags),
        "datasource_type": described["datasource_type"],
        "properties": dict(described.get("properties", {})),
        "origin_country": described.get("origin_country", "us"),
        "owner_id": asset.owner_id,
        "flags": [],
    }
    return {"metadata": metadata, "entity": entity, "href": f"/v2/connections/{asset.id}?space_id={asset.space_id}"}

"""`/v2/trashed_assets`: what was deleted but not for good."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from gristmill.api.envelope import WireResponse, page_limit, resources
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.asset_envelope import envelope
from gristmill.service import trashed_assets
from gristmill.service.asset_access import AssetWithAttachments

router = Router(prefix="/v2/trashed_assets", tag="trashed assets")


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    limit: int | None = None,
    start: str | None = None,
) -> WireResponse:
    """List the trash."""
    size = page_limit(limit)
    found = trashed_assets.page(ctx, me, space_id, limit=size, start=start)
    return WireResponse(resources(request, found, _listed, size))


@router.delete("/purge_all", status_code=204)
def purge_all(ctx: Ctx, me: Me, space_id: str | None = None) -> None:
    """Empty the trash."""
    trashed_assets.purge_all(ctx, me, space_id)


@router.get("/{asset_id}")
def get(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return an asset of the trash."""
    return envelope(trashed_assets.get(ctx, me, space_id, asset_id))


@router.post("/{asset_id}/restore")
def restore(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Take an asset out of the trash."""
    return envelope(trashed_assets.restore(ctx, me, space_id, asset_id))


@router.delete("/{asset_id}", status_code=204)
def delete(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None) -> None:
    """Delete an asset for good."""
    trashed_assets.delete(ctx, me, space_id, asset_id)


def _listed(found: AssetWithAttachments) -> dict[str, Any]:
    return envelope(found, attachments=False)

"""`/v2/folder_assets`: folders behind connections. They are assets like others; only making them has its own route."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.asset_envelope import envelope
from gristmill.domain.asset import AssetType
from gristmill.service import assets

router = Router(prefix="/v2/folder_assets", tag="folder assets")


@router.post("", status_code=201)
def create(
    ctx: Ctx, me: Me, document: Annotated[dict[str, Any], Body()], space_id: str | None = None
) -> dict[str, Any]:
    """Make a folder asset."""
    metadata = document.get("metadata")
    typed = {**(metadata if isinstance(metadata, dict) else {}), "asset_type": str(AssetType.FOLDER)}
    made = assets.create(ctx, me, space_id, {**document, "metadata": typed})
    return envelope(made, attachments=False)

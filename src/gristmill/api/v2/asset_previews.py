"""`/v2/assets/{id}/preview`: the first rows of a data asset."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.service import asset_previews

router = Router(prefix="/v2/assets/{asset_id}/preview", tag="assets")
_MOST_ROWS = 500


@router.get("")
def show(
    ctx: Ctx,
    me: Me,
    asset_id: str,
    space_id: str | None = None,
    rows: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = 20,
) -> dict[str, Any]:
    """Return the first rows, the columns with their types, and how many rows there are as far as that is known."""
    shown = asset_previews.show(ctx, me, space_id, asset_id, rows=rows)
    return {
        "asset_id": shown.asset.id,
        "asset_name": shown.asset.name,
        "name": shown.name,
        "size": shown.size,
        **shown.found,
    }

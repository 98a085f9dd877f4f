"""`/v2/asset_exports`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request, Response

from gristmill.api.download import download
from gristmill.api.envelope import WireResponse, page_limit, resources
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.export_envelope import envelope
from gristmill.domain.export import ExportKind
from gristmill.service import exports

router = Router(prefix="/v2/asset_exports", tag="exports")


@router.post("", status_code=202)
def create(
    ctx: Ctx, me: Me, document: Annotated[dict[str, Any], Body()], space_id: str | None = None
) -> dict[str, Any]:
    """Export assets to a zip; it is there when this is answered."""
    return envelope(exports.create(ctx, me, space_id, document))


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    limit: int | None = None,
    start: str | None = None,
) -> Response:
    """List the exports of a space."""
    size = page_limit(limit)
    found = exports.page(ctx, me, ExportKind.EXPORT, space_id, limit=size, start=start)
    return WireResponse(resources(request, found, envelope, size))


@router.get("/{export_id}")
def get(ctx: Ctx, me: Me, export_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return an export."""
    return envelope(exports.get(ctx, me, ExportKind.EXPORT, space_id, export_id))


@router.get("/{export_id}/content")
def content(ctx: Ctx, me: Me, export_id: str, space_id: str | None = None) -> Response:
    """Return the zip."""
    export, blocks = exports.content(ctx, me, space_id, export_id)
    return download(f"{export.name}.zip", blocks)


@router.delete("/{export_id}", status_code=204)
def delete(ctx: Ctx, me: Me, export_id: str, space_id: str | None = None, *, hard_delete: bool = False) -> None:
    """Delete an export, or cancel it, which is too late for one that is complete."""
    exports.delete(ctx, me, ExportKind.EXPORT, space_id, export_id, hard=hard_delete)

"""`/v2/assets`: assets of any type, their revisions and attributes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request, Response
from fastapi.responses import JSONResponse

from gristmill.api.envelope import WireResponse, page_limit, public_url
from gristmill.api.ml_v4.ml_asset_routes import revision_of
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.asset_envelope import envelope
from gristmill.service import assets

router = Router(prefix="/v2/assets", tag="assets")
Document = Annotated[dict[str, Any], Body()]
Operations = Annotated[list[dict[str, Any]], Body()]


@router.post("", status_code=201)
def create(
    ctx: Ctx, me: Me, document: Document, space_id: str | None = None, duplicate_action: str | None = None
) -> dict[str, Any]:
    """Make an asset, or do with one of the same name what ``duplicate_action`` says."""
    made = assets.create(ctx, me, space_id, document, duplicate_action=duplicate_action)
    return envelope(made)


@router.get("/{asset_id}")
def get(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None, revision_id: str | None = None) -> dict[str, Any]:
    """Return an asset with its attachments, at its head or at a revision."""
    return envelope(assets.get(ctx, me, space_id, asset_id, revision=revision_of(revision_id)))


@router.patch("/{asset_id}")
def patch(ctx: Ctx, me: Me, asset_id: str, operations: Operations, space_id: str | None = None) -> dict[str, Any]:
    """Change an asset by JSON patch."""
    return envelope(assets.patch(ctx, me, space_id, asset_id, operations))


@router.get("/{asset_id}/attributes/{attribute}")
def get_attribute(ctx: Ctx, me: Me, asset_id: str, attribute: str, space_id: str | None = None) -> Response:
    """Return one member of an asset's entity."""
    shown = envelope(assets.get(ctx, me, space_id, asset_id))
    return WireResponse(shown["entity"].get(attribute) or {})


@router.patch("/{asset_id}/attributes/{attribute}")
def patch_attribute(
    ctx: Ctx, me: Me, asset_id: str, attribute: str, operations: Operations, space_id: str | None = None
) -> Response:
    """Change one member of an asset's entity by JSON patch, and return that member."""
    changed = envelope(assets.patch_attribute(ctx, me, space_id, asset_id, attribute, operations))
    return WireResponse(changed["entity"].get(attribute) or {})


@router.delete("/{asset_id}", status_code=204)
def delete(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None, *, purge_on_delete: bool = False) -> None:
    """Move an asset to the trash, or delete it for good."""
    assets.delete(ctx, me, space_id, asset_id, purge=purge_on_delete)


@router.post("/{asset_id}/revisions", status_code=201)
def freeze(
    ctx: Ctx, me: Me, asset_id: str, document: Document | None = None, space_id: str | None = None
) -> dict[str, Any]:
    """Freeze an asset as its next revision."""
    message = (document or {}).get("commit_message")
    return envelope(assets.freeze(ctx, me, space_id, asset_id, message=str(message) if message else None))


@router.get("/{asset_id}/revisions")
def revisions(
    request: Request,
    ctx: Ctx,
    me: Me,
    asset_id: str,
    space_id: str | None = None,
    limit: int | None = None,
    start: str | None = None,
) -> JSONResponse:
    """List the revisions of an asset."""
    found = assets.revisions(ctx, me, space_id, asset_id, limit=page_limit(limit), start=start)
    answer: dict[str, Any] = {"results": [envelope(item) for item in found.items], "total_rows": found.total}
    if found.next:
        answer["next"] = {"href": str(public_url(request).include_query_params(start=found.next))}
    return WireResponse(answer)

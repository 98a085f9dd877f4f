"""`/v2/assets/{id}/attachments`: the pieces of an asset's content."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request

from gristmill.api.envelope import without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.asset_envelope import attachment_envelope, link_for
from gristmill.domain.asset import Attachment
from gristmill.service import attachments, signed_links

router = Router(prefix="/v2/assets/{asset_id}/attachments", tag="attachments")


@router.post("", status_code=201)
def create(
    request: Request,
    ctx: Ctx,
    me: Me,
    asset_id: str,
    document: Annotated[dict[str, Any], Body()],
    space_id: str | None = None,
) -> dict[str, Any]:
    """Declare an attachment; its bytes go to ``url1``, unless it lies behind a connection."""
    made = attachments.create(ctx, me, space_id, asset_id, document)
    remote = made.connection_id is not None
    answer = {
        "attachment_id": made.id,
        "asset_type": document.get("asset_type"),
        "is_remote": remote,
        "name": made.name,
        "mime": made.mime,
        "connection_id": made.connection_id,
        "connection_path": made.connection_path,
        "url1": None if remote else link_for(request, me, signed_links.link(ctx, "PUT", signed_path(made))),
    }
    return without_none(answer)


@router.get("/{attachment_id}")
def get(
    request: Request, ctx: Ctx, me: Me, asset_id: str, attachment_id: str, space_id: str | None = None
) -> dict[str, Any]:
    """Return an attachment, and in ``url`` a link to its bytes where there are any."""
    asset, found = attachments.get(ctx, me, space_id, asset_id, attachment_id)
    answer = {**attachment_envelope(asset, found), "attachment_id": found.id}
    if found.content_key is not None:
        answer["url"] = link_for(request, me, signed_links.link(ctx, "GET", signed_path(found)))
    return answer


@router.post("/{attachment_id}/complete")
def complete(ctx: Ctx, me: Me, asset_id: str, attachment_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Say that the upload is complete."""
    asset, found = attachments.complete(ctx, me, space_id, asset_id, attachment_id)
    return attachment_envelope(asset, found)


@router.delete("/{attachment_id}", status_code=204)
def delete(ctx: Ctx, me: Me, asset_id: str, attachment_id: str, space_id: str | None = None) -> None:
    """Delete an attachment."""
    attachments.delete(ctx, me, space_id, asset_id, attachment_id)


def signed_path(attachment: Attachment) -> str:
    """Return the path of an attachment's bytes; see `signed.py`."""
    return f"/signed/asset/{attachment.asset_id}/{attachment.id}"

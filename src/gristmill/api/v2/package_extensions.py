"""`/v2/package_extensions`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request, Response

from gristmill.api.envelope import instant, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.asset_envelope import link_for
from gristmill.api.v2.specification_page import answer, size_of
from gristmill.domain.specification import PackageExtension
from gristmill.domain.user import Actor
from gristmill.service import package_extensions, signed_links
from gristmill.service.context import Context

router = Router(prefix="/v2/package_extensions", tag="package extensions")


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    name: str | None = None,
    limit: int | None = None,
    start: str | None = None,
) -> Response:
    """List the package extensions of a space."""
    found = package_extensions.page(ctx, me, space_id, name=name, limit=size_of(limit), start=start)
    return answer(request, found, lambda extension: _envelope(request, ctx, me, extension))


@router.post("", status_code=201)
def create(
    request: Request,
    ctx: Ctx,
    me: Me,
    document: Annotated[dict[str, Any], Body()],
    space_id: str | None = None,
) -> dict[str, Any]:
    """Make a package extension; its file goes to the ``href`` of its entity."""
    made = package_extensions.create(ctx, me, document.get("space_id") or space_id, document)
    return _envelope(request, ctx, me, made, method="PUT")


@router.get("/{extension_id}")
def get(request: Request, ctx: Ctx, me: Me, extension_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return a package extension, with a link to its file."""
    return _envelope(request, ctx, me, package_extensions.get(ctx, me, space_id, extension_id))


@router.post("/{extension_id}/upload_complete", status_code=204)
def complete(ctx: Ctx, me: Me, extension_id: str, space_id: str | None = None) -> None:
    """Say that the upload is complete."""
    package_extensions.complete(ctx, me, space_id, extension_id)


@router.delete("/{extension_id}", status_code=204)
def delete(ctx: Ctx, me: Me, extension_id: str, space_id: str | None = None) -> None:
    """Delete a package extension that no specification adds."""
    package_extensions.delete(ctx, me, space_id, extension_id)


def _envelope(
    request: Request, context: Context, actor: Actor, extension: PackageExtension, *, method: str = "GET"
) -> dict[str, Any]:
    """Return a package extension; its ``href`` is signed for an upload once, when it is made, else for downloads."""
    link = signed_links.link(context, method, f"/signed/package_extension/{extension.id}")
    metadata = {
        "name": extension.name,
        "description": extension.description or None,
        "asset_id": extension.id,
        "asset_type": "package_extension",
        "created_at": instant(extension.created_at),
        "space_id": extension.space_id,
        "href": f"/v2/package_extensions/{extension.id}",
    }
    entity = {"type": extension.type, "href": link_for(request, actor, link)}
    return {"metadata": without_none(metadata), "entity": {"package_extension": entity}}

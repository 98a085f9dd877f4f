"""The routes that models and functions have alike, and their envelope."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request, Response
from starlette.concurrency import run_in_threadpool

from gristmill.api.download import download
from gristmill.api.envelope import WireResponse, instant, page_limit, resources, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.staged_file import staged_file
from gristmill.domain.asset import HEAD, Asset
from gristmill.domain.errors import Invalid
from gristmill.service import ml_assets
from gristmill.service.ml_assets import Kind

Document = Annotated[dict[str, Any], Body()]
Operations = Annotated[list[dict[str, Any]], Body()]


def routes_of(kind: Kind, *, prefix: str, content: str) -> Router:
    """Return the router of a kind; ``content`` is the last part of the path of its content."""
    router = Router(prefix=prefix, tag=f"{kind.noun}s")
    _add_documents(router, kind)
    _add_revisions(router, kind)
    _add_content(router, kind, content)
    return router


def envelope(asset: Asset) -> dict[str, Any]:
    """Return a model or function as the wire shows it."""
    metadata = {
        "id": asset.id,
        "name": asset.name,
        "created_at": instant(asset.created_at),
        "modified_at": instant(asset.modified_at),
        "owner": asset.owner_id,
        "tags": list(asset.tags),
        "description": asset.description or None,
        "space_id": asset.space_id,
        "rev": str(asset.revision) if asset.revision != HEAD else None,
        "commit_info": {"committed_at": instant(asset.committed_at)} if asset.committed_at else None,
    }
    return {"entity": dict(asset.entity), "metadata": without_none(metadata)}


def revision_of(text: str | None) -> int:
    """Return the revision that a query parameter names, the head where there is none.

    Raises:
        Invalid: it is no number from 1 on.

    """
    if not text or text == "latest":
        return HEAD
    if not text.isdecimal() or not 1 <= int(text[:10]) < 10**9:
        raise Invalid(f"rev: {text} is not the number of a revision; they count from 1.", field="rev")
    return int(text)


def _add_documents(router: Router, kind: Kind) -> None:
    @router.post("", status_code=201)
    def create(ctx: Ctx, me: Me, document: Document, space_id: str | None = None) -> dict[str, Any]:
        """Make one; its content comes next."""
        return envelope(ml_assets.create(ctx, me, kind, document.get("space_id") or space_id, document))

    @router.get("")
    def page(
        request: Request,
        ctx: Ctx,
        me: Me,
        space_id: str | None = None,
        limit: int | None = None,
        start: str | None = None,
    ) -> Response:
        """List them, without their contents."""
        size = page_limit(limit)
        found = ml_assets.page(ctx, me, kind, space_id, limit=size, start=start)
        return WireResponse(resources(request, found, envelope, size))

    @router.get("/{asset_id}")
    def get(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None, rev: str | None = None) -> dict[str, Any]:
        """Return one, at its head or at a revision."""
        return envelope(ml_assets.get(ctx, me, kind, space_id, asset_id, revision=revision_of(rev)))

    @router.patch("/{asset_id}")
    def patch(ctx: Ctx, me: Me, asset_id: str, operations: Operations, space_id: str | None = None) -> dict[str, Any]:
        """Change one by JSON patch."""
        return envelope(ml_assets.patch(ctx, me, kind, space_id, asset_id, operations))


def _add_revisions(router: Router, kind: Kind) -> None:
    @router.post("/{asset_id}/revisions", status_code=201)
    def freeze(
        ctx: Ctx, me: Me, asset_id: str, document: Document | None = None, space_id: str | None = None
    ) -> dict[str, Any]:
        """Freeze it as its next revision."""
        space = (document or {}).get("space_id") or space_id
        return envelope(ml_assets.freeze(ctx, me, kind, space, asset_id))

    @router.get("/{asset_id}/revisions")
    def revisions(
        request: Request,
        ctx: Ctx,
        me: Me,
        asset_id: str,
        space_id: str | None = None,
        limit: int | None = None,
        start: str | None = None,
    ) -> Response:
        """List its revisions."""
        size = page_limit(limit)
        found = ml_assets.revisions(ctx, me, kind, space_id, asset_id, limit=size, start=start)
        return WireResponse(resources(request, found, envelope, size))


def _add_content(router: Router, kind: Kind, content: str) -> None:
    @router.put(f"/{{asset_id}}/{content}", status_code=201)
    async def upload(request: Request, ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None) -> dict[str, Any]:
        """Take the body as the content, whatever its content type says."""
        await run_in_threadpool(ml_assets.check_upload, ctx, me, kind, space_id, asset_id)
        async with staged_file(request) as path:
            uploaded = await run_in_threadpool(ml_assets.upload, ctx, me, kind, space_id, asset_id, path)
        answer: dict[str, Any] = {
            "attachment_id": uploaded.attachment.id,
            "content_format": "native",
            "persisted": True,
            "name": uploaded.attachment.name,
            "size": uploaded.attachment.size,
            "location": f"{request.url.path}/{uploaded.attachment.id}",
        }
        if uploaded.doubt:
            answer["system"] = {"warnings": [{"id": "doubtful_content", "message": uploaded.doubt}]}
        return answer

    @router.get(f"/{{asset_id}}/{content}")
    @router.get("/{asset_id}/download")
    def fetch(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None, rev: str | None = None) -> Response:
        """Return the content as it was uploaded."""
        revision = revision_of(rev)
        attachment, blocks = ml_assets.content(ctx, me, kind, space_id, asset_id, revision=revision)
        return download(attachment.name, blocks, size=attachment.size)

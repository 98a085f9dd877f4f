"""`/signed`: uploads and downloads that need no token, because their links are signed and expire."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from gristmill.api.download import download
from gristmill.api.router import Router
from gristmill.api.session import Ctx
from gristmill.api.staged_file import staged_file
from gristmill.service import attachments, package_extensions, signed_links

router = Router(prefix="/signed", tag="signed links")
_PART = "file"


@router.put("/asset/{asset_id}/{attachment_id}", status_code=201)
async def put_attachment(
    request: Request, ctx: Ctx, asset_id: str, attachment_id: str, signature: str | None = None
) -> dict[str, Any]:
    """Take an attachment's bytes: a multipart form with a part ``file``, or the body as it is."""
    signed_links.check(ctx, "PUT", f"/signed/asset/{asset_id}/{attachment_id}", signature)
    async with staged_file(request, part=_PART) as path:
        await run_in_threadpool(attachments.upload, ctx, asset_id, attachment_id, path)
    return {}


@router.get("/asset/{asset_id}/{attachment_id}")
def get_attachment(ctx: Ctx, asset_id: str, attachment_id: str, signature: str | None = None) -> Response:
    """Return an attachment's bytes."""
    signed_links.check(ctx, "GET", f"/signed/asset/{asset_id}/{attachment_id}", signature)
    attachment, blocks = attachments.content(ctx, asset_id, attachment_id)
    return download(attachment.name, blocks, size=attachment.size)


@router.put("/package_extension/{extension_id}", status_code=201)
async def put_extension(request: Request, ctx: Ctx, extension_id: str, signature: str | None = None) -> dict[str, Any]:
    """Take a package extension's bytes."""
    signed_links.check(ctx, "PUT", f"/signed/package_extension/{extension_id}", signature)
    async with staged_file(request, part=_PART) as path:
        await run_in_threadpool(package_extensions.upload, ctx, extension_id, path)
    return {}


@router.get("/package_extension/{extension_id}")
def get_extension(ctx: Ctx, extension_id: str, signature: str | None = None) -> Response:
    """Return a package extension's bytes."""
    signed_links.check(ctx, "GET", f"/signed/package_extension/{extension_id}", signature)
    extension, blocks = package_extensions.content(ctx, extension_id)
    return download(extension.name, blocks, size=extension.size)

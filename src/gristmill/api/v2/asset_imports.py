"""`/v2/asset_imports`."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from gristmill.api.envelope import WireResponse, page_limit, resources
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.staged_file import staged_file
from gristmill.api.v2.export_envelope import envelope
from gristmill.domain.export import ExportKind
from gristmill.service import exports, imports

router = Router(prefix="/v2/asset_imports", tag="imports")


@router.post("", status_code=202)
async def create(request: Request, ctx: Ctx, me: Me, space_id: str | None = None) -> dict[str, Any]:
    """Import the zip of an export; its assets are there when this is answered."""
    await run_in_threadpool(imports.check_upload, ctx, me, space_id)
    async with staged_file(request, part="file") as path:
        return envelope(await run_in_threadpool(imports.create, ctx, me, space_id, path))


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    limit: int | None = None,
    start: str | None = None,
) -> Response:
    """List the imports of a space."""
    size = page_limit(limit)
    found = exports.page(ctx, me, ExportKind.IMPORT, space_id, limit=size, start=start)
    return WireResponse(resources(request, found, envelope, size))


@router.get("/{import_id}")
def get(ctx: Ctx, me: Me, import_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return an import, with what was skipped and why."""
    return envelope(exports.get(ctx, me, ExportKind.IMPORT, space_id, import_id))


@router.delete("/{import_id}", status_code=204)
def delete(ctx: Ctx, me: Me, import_id: str, space_id: str | None = None, *, hard_delete: bool = False) -> None:
    """Delete an import's record; the assets stay."""
    exports.delete(ctx, me, ExportKind.IMPORT, space_id, import_id, hard=hard_delete)

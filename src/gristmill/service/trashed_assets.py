"""The trash of a space: assets that were deleted but not for good."""

from __future__ import annotations

from gristmill.domain.asset import Asset
from gristmill.domain.page import MAX_LIMIT, Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.asset_access import AssetWithAttachments, missing, shown
from gristmill.service.context import Context
from gristmill.store import assets, attachments
from gristmill.store.database import Connection


def page(
    context: Context, actor: Actor, space_id: str | None, *, limit: int, start: str | None = None
) -> Page[AssetWithAttachments]:
    """List the trash."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        found = assets.trash(connection, space.id, limit=limit, start=start)
    return Page(items=[AssetWithAttachments(shown(asset)) for asset in found.items], next=found.next)


def get(context: Context, actor: Actor, space_id: str | None, asset_id: str) -> AssetWithAttachments:
    """Return an asset that is in the trash."""
    with context.database.snapshot() as connection:
        asset = _find(connection, actor, space_id, asset_id, Permission.VIEW)
        return AssetWithAttachments(shown(asset), tuple(attachments.of_asset(connection, asset_id)))


def restore(context: Context, actor: Actor, space_id: str | None, asset_id: str) -> AssetWithAttachments:
    """Take an asset out of the trash."""
    with context.database.transaction() as connection:
        _find(connection, actor, space_id, asset_id, Permission.EDIT)
        assets.change(connection, asset_id, {"deleted_at": None, "modified_at": context.now()})
        asset = assets.get(connection, asset_id)
        assert asset is not None, "it was there, and this transaction holds it"
        return AssetWithAttachments(shown(asset), tuple(attachments.of_asset(connection, asset_id)))


def delete(context: Context, actor: Actor, space_id: str | None, asset_id: str) -> None:
    """Delete an asset of the trash for good; one that a deployment on its way out still needs stays until then."""
    with context.database.transaction() as connection:
        _find(connection, actor, space_id, asset_id, Permission.EDIT)
        if not assets.is_held_by_deployment(connection, asset_id):
            assets.purge(connection, [asset_id], context.now())


def purge_all(context: Context, actor: Actor, space_id: str | None) -> int:
    """Empty the trash, page by page, and return how many assets went."""
    gone, start = 0, None
    while True:
        with context.database.transaction() as connection:
            space = authorize(connection, actor, space_id, Permission.EDIT)
            found = assets.trash(connection, space.id, limit=MAX_LIMIT, start=start)
            ids = [asset.id for asset in found.items if not assets.is_held_by_deployment(connection, asset.id)]
            assets.purge(connection, ids, context.now())
        gone, start = gone + len(ids), found.next
        if start is None:
            return gone


def _find(connection: Connection, actor: Actor, space_id: str | None, asset_id: str, permission: Permission) -> Asset:
    space = authorize(connection, actor, space_id, permission)
    asset = assets.get(connection, asset_id)
    if asset is None or asset.space_id != space.id or asset.deleted_at is None:
        raise missing(asset_id, noun="trashed asset")
    return asset

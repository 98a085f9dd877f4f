"""Assets at a glance: what a page of a space's assets shows, in one request, and what would miss one of them."""

from __future__ import annotations

from collections.abc import Sequence

from gristmill.domain.asset import Asset, AssetType
from gristmill.domain.asset_summary import AssetCounts, AssetSummary, AssetUses
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.asset_access import find, shown
from gristmill.service.context import Context
from gristmill.store import asset_summaries as store
from gristmill.store.database import Connection


def page(
    context: Context,
    actor: Actor,
    space_id: str | None,
    *,
    limit: int,
    start: str | None = None,
    type_name: str | None = None,
    text: str | None = None,
    maker_job_id: str | None = None,
) -> tuple[Page[AssetSummary], AssetCounts]:
    """List what people brought to a space, or the outputs of a job, the newest first, with what uses each."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        wanted = {"type_name": type_name, "text": text, "maker_job_id": maker_job_id}
        found = store.page(connection, space.id, limit=limit, start=start, **wanted)
        counts = AssetCounts(by_type=store.by_type(connection, space.id), outputs=store.outputs(connection, space.id))
        return Page(items=_summaries(connection, space.id, found.items), next=found.next), counts


def uses(context: Context, actor: Actor, space_id: str | None, asset_id: str) -> AssetUses:
    """Return what uses an asset, as far as documents tell: what a script reads by itself, nobody knows."""
    with context.database.snapshot() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.VIEW)
        behind = asset.type == AssetType.CONNECTION
        return AssetUses(
            maker=store.makers(connection, [asset.id]).get(asset.id),
            deployments=store.uses_by_deployments(connection, asset.id),
            jobs=store.uses_by_jobs(connection, asset.space_id, asset.id),
            assets=store.assets_behind(connection, asset.space_id, asset.id) if behind else (),
        )


def _summaries(connection: Connection, space_id: str, found: Sequence[Asset]) -> list[AssetSummary]:
    ids = [asset.id for asset in found]
    makers = store.makers(connection, ids)
    deployed, used = store.deployments_of(connection, ids), store.jobs_with(connection, space_id, ids)
    return [
        AssetSummary(
            asset=shown(asset),
            maker=makers.get(asset.id),
            deployments=deployed.get(asset.id, 0),
            jobs=used.get(asset.id, 0),
        )
        for asset in found
    ]

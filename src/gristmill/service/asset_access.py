"""Finding an asset for somebody: in their space, out of the trash, as it may be shown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from gristmill.domain.asset import HEAD, Asset, Attachment
from gristmill.domain.asset_document import unsealed
from gristmill.domain.errors import NotFound
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.store import assets
from gristmill.store.database import Connection


@dataclass(frozen=True, slots=True)
class AssetWithAttachments:
    """An asset and the attachments that it has at the same revision."""

    asset: Asset
    attachments: tuple[Attachment, ...] = ()


def shown(asset: Asset) -> Asset:
    """Return the asset without its encrypted secrets."""
    return replace(asset, entity=unsealed(asset.entity))


def find(
    connection: Connection,
    actor: Actor,
    space_id: str | None,
    asset_id: str,
    permission: Permission,
    *,
    types: Collection[str] | None = None,
    revision: int = HEAD,
) -> Asset:
    """Return an asset of the space if the actor may do this to it; secrets and all.

    Raises:
        NotFound: the space has no such asset, or it is in the trash, or of another type.

    """
    space = authorize(connection, actor, space_id, permission)
    asset = assets.get(connection, asset_id, revision=revision)
    if asset is None or asset.space_id != space.id or asset.deleted_at is not None:
        raise missing(asset_id, revision)
    if types is not None and asset.type not in types:
        raise missing(asset_id, revision, " or ".join(sorted(types)))
    return asset


def missing(asset_id: str, revision: int = HEAD, noun: str = "asset") -> NotFound:
    """Return the refusal of an asset that is not there."""
    at_revision = f" at revision {revision}" if revision else ""
    return NotFound(f"There is no {noun} {asset_id}{at_revision} in this space.", code="asset_not_found")

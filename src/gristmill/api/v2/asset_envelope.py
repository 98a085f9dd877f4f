"""Assets and attachments as the wire's second family shows them."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from gristmill.api.envelope import instant, milliseconds, without_none
from gristmill.domain.asset import HEAD, Asset, AssetType, Attachment
from gristmill.domain.user import Actor
from gristmill.service.asset_access import AssetWithAttachments

_TWINS = {AssetType.MODEL, AssetType.FUNCTION}


def envelope(found: AssetWithAttachments, *, attachments: bool = True, entity: bool = True) -> dict[str, Any]:
    """Return an asset; models and functions show their document under the name of their type."""
    asset = found.asset
    answer: dict[str, Any] = {"metadata": _metadata(asset)}
    if entity:
        answer["entity"] = _entity(asset)
    answer |= {"href": href(asset), "asset_id": asset.id}
    if attachments:
        answer["attachments"] = [attachment_envelope(asset, attachment) for attachment in found.attachments]
    return answer


def href(asset: Asset) -> str:
    """Return the asset's relative link, which names its space."""
    return f"/v2/assets/{asset.id}?space_id={asset.space_id}"


def attachment_envelope(asset: Asset, attachment: Attachment) -> dict[str, Any]:
    """Return an attachment. A local one must have no member ``connection_id``: clients go by its presence."""
    return without_none(
        {
            "id": attachment.id,
            "version": 2,
            "asset_type": asset.type,
            "name": attachment.name,
            "mime": attachment.mime,
            "is_remote": attachment.connection_id is not None,
            "created": milliseconds(attachment.created_at),
            "size": attachment.size,
            "transfer_complete": attachment.complete,
            "connection_id": attachment.connection_id,
            "connection_path": attachment.connection_path,
        }
    )


def link_for(request: Request, actor: Actor, link: str) -> str:
    """Return a signed link as the client's mode wants it: relative on premises, absolute in the cloud's way."""
    if actor.mode != "cloud":
        return link
    base = getattr(request.app.state, "public_url", None) or str(request.base_url)
    return f"{base.rstrip('/')}{link}"


def _entity(asset: Asset) -> dict[str, Any]:
    if asset.type in _TWINS:
        return {asset.type: {**asset.entity, "ml_version": "4.0.0"}}
    return dict(asset.entity)


def _metadata(asset: Asset) -> dict[str, Any]:
    changed = instant(asset.modified_at)
    metadata = {
        "rov": {"mode": 0, "collaborator_ids": {}},
        "usage": {
            "last_updated_at": changed,
            "last_updater_id": asset.owner_id,
            "last_update_time": milliseconds(asset.modified_at),
            "last_accessed_at": changed,
            "last_access_time": milliseconds(asset.modified_at),
            "last_accessor_id": asset.owner_id,
            "access_count": 0,
        },
        "name": asset.name,
        "description": asset.description,
        "tags": list(asset.tags),
        "asset_type": asset.type,
        "origin_country": "us",
        "rating": 0,
        "total_ratings": 0,
        "catalog_id": asset.space_id,
        "created": milliseconds(asset.created_at),
        "created_at": instant(asset.created_at),
        "owner_id": asset.owner_id,
        "size": asset.size,
        "version": 2,
        "asset_state": "deleted" if asset.deleted_at else "available",
        "asset_attributes": list(_entity(asset)) or [asset.type],
        "asset_id": asset.id,
        "asset_category": "USER",
        "space_id": asset.space_id,
    }
    if asset.revision != HEAD:
        metadata["revision_id"] = asset.revision
        metadata["commit_info"] = without_none(
            {"committed_at": instant(asset.committed_at), "commit_message": asset.commit_message}
        )
    if asset.deleted_at:
        metadata["deleted_at"] = instant(asset.deleted_at)
    return metadata

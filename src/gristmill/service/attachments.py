"""Attachments of assets: declared, uploaded through a signed link, completed, downloaded, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gristmill.domain.asset import HEAD, Asset, AssetType, Attachment
from gristmill.domain.errors import Conflict, Invalid, NotFound
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import flows, scripts
from gristmill.service.asset_access import find
from gristmill.service.asset_contents import check_upload
from gristmill.service.assets import check_connection
from gristmill.service.contents import let_go
from gristmill.service.context import Context
from gristmill.service.run_sources import RunSources
from gristmill.store import assets, attachments
from gristmill.store.database import Connection

_CHECKED = {
    AssetType.MODEL: "PUT /ml/v4/models/{id}/content",
    AssetType.FUNCTION: "PUT /ml/v4/functions/{id}/code",
}
"""Types whose content is checked when it comes, and so comes another way."""


def create(
    context: Context, actor: Actor, space_id: str | None, asset_id: str, document: Mapping[str, Any]
) -> Attachment:
    """Declare an attachment: one to be uploaded next, or one that lies behind a connection.

    Raises:
        Invalid: the asset's content comes another way, or the connection is unknown.

    """
    with context.database.transaction() as connection:
        asset = _changeable(connection, actor, space_id, asset_id)
        remote = bool(document.get("is_remote") or document.get("connection_id"))
        if remote:
            check_connection(connection, asset.space_id, document.get("connection_id"), "connection_id")
        attachment = Attachment(
            id=context.new_id(),
            asset_id=asset.id,
            name=str(document.get("name") or asset.name)[:1_000],
            mime=str(document.get("mime") or "application/octet-stream")[:200],
            connection_id=str(document["connection_id"]) if remote else None,
            connection_path=str(document.get("connection_path") or "") if remote else None,
            complete=remote,
            created_at=context.now(),
        )
        attachments.create(connection, attachment)
        assets.change(connection, asset.id, {"modified_at": context.now()})
    return attachment


def get(
    context: Context, actor: Actor, space_id: str | None, asset_id: str, attachment_id: str
) -> tuple[Asset, Attachment]:
    """Return an attachment, of the head or of a revision, with its asset."""
    with context.database.snapshot() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.VIEW)
        return asset, _get(connection, asset_id, attachment_id)


def complete(
    context: Context, actor: Actor, space_id: str | None, asset_id: str, attachment_id: str
) -> tuple[Asset, Attachment]:
    """Mark an upload complete; doing so twice is fine. An older attachment of the same name makes room.

    Raises:
        Invalid: nothing was uploaded, or a node of a flow refers to something that is not there.

    """
    _check_flow(context, actor, space_id, asset_id, attachment_id)
    with context.database.transaction() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.EDIT)
        attachment = _get(connection, asset_id, attachment_id)
        if attachment.content_key is None and attachment.connection_id is None:
            raise Invalid("No file came for this attachment. PUT it to its url1 first.", code="nothing_uploaded")
        if not attachment.complete:
            attachments.change(connection, attachment_id, {"complete": True})
            older = [
                other.id
                for other in attachments.of_asset(connection, asset_id)
                if other.complete and other.id != attachment_id and other.name == attachment.name
            ]
            attachments.delete_these(connection, older, context.now())
            size = attachments.size_of(connection, asset_id)
            assets.change(connection, asset_id, {"size": size, "modified_at": context.now()})
    return asset, replace(attachment, complete=True)


def delete(context: Context, actor: Actor, space_id: str | None, asset_id: str, attachment_id: str) -> None:
    """Delete an attachment of an asset's head; revisions keep theirs."""
    with context.database.transaction() as connection:
        _changeable(connection, actor, space_id, asset_id)
        attachment = _get(connection, asset_id, attachment_id)
        if attachment.revision != HEAD:
            raise Conflict("This attachment belongs to a frozen revision, which never changes.", code="frozen")
        attachments.delete_these(connection, [attachment_id], context.now())
        size = attachments.size_of(connection, asset_id)
        assets.change(connection, asset_id, {"size": size, "modified_at": context.now()})


def upload(context: Context, asset_id: str, attachment_id: str, path: Path) -> None:
    """Keep an uploaded file as an attachment's content. The caller has checked the signature of the link.

    Raises:
        NotFound: the attachment was deleted meanwhile.
        Conflict: its upload is complete.
        Invalid: the file is not what an asset of this type is made of.

    """
    with context.database.snapshot() as connection:
        _incomplete(connection, asset_id, attachment_id)
        asset = assets.get(connection, asset_id)
        python = scripts.python_of(connection, asset) if asset and asset.type == AssetType.SCRIPT else ""
    if asset is not None:
        check_upload(asset, path, limits=context.limits, python=python)
    stored = context.content.put_file(path)
    try:
        with context.database.transaction() as connection:
            attachment = _incomplete(connection, asset_id, attachment_id)
            attachments.set_content(connection, attachment, stored.key, stored.size, stored.sha256, context.now())
    except BaseException as error:
        let_go(context, [stored.key], error)
        raise


def content(context: Context, asset_id: str, attachment_id: str) -> tuple[Attachment, Iterator[bytes]]:
    """Return an attachment and its bytes. The caller has checked the signature of the link."""
    with context.database.snapshot() as connection:
        attachment = _get(connection, asset_id, attachment_id)
    if attachment.content_key is None:
        raise NotFound("No file came for this attachment yet.", code="no_content")
    return attachment, context.content.stream(attachment.content_key)


def _check_flow(context: Context, actor: Actor, space_id: str | None, asset_id: str, attachment_id: str) -> None:
    """Check what the nodes of a flow refer to, before its content counts."""
    with context.database.snapshot() as connection:
        asset = find(connection, actor, space_id, asset_id, Permission.EDIT)
        attachment = _get(connection, asset_id, attachment_id)
        stored = flows.of_asset(context, asset, attachment)
        if stored is not None:
            flows.planned(RunSources(connection), asset.space_id, stored)


def _changeable(connection: Connection, actor: Actor, space_id: str | None, asset_id: str) -> Asset:
    asset = find(connection, actor, space_id, asset_id, Permission.EDIT)
    for type_name, route in _CHECKED.items():
        if asset.type == type_name:
            raise Invalid(f"The content of a {asset.type} comes and goes with {route}.", code="content_elsewhere")
    return asset


def _get(connection: Connection, asset_id: str, attachment_id: str) -> Attachment:
    attachment = attachments.get(connection, asset_id, attachment_id)
    if attachment is None:
        raise NotFound(f"There is no attachment {attachment_id} of asset {asset_id}.", code="attachment_not_found")
    return attachment


def _incomplete(connection: Connection, asset_id: str, attachment_id: str) -> Attachment:
    attachment = _get(connection, asset_id, attachment_id)
    if attachment.complete:
        raise Conflict("The upload of this attachment is complete. Make another one.", code="upload_complete")
    return attachment

"""What stands in an export's ``manifest.json``: the assets' documents and where their contents lie in the zip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gristmill.domain import export_parts
from gristmill.domain.archive import inner_path
from gristmill.domain.asset import Asset, Attachment
from gristmill.domain.asset_document import SEALED, unsealed
from gristmill.domain.errors import Invalid
from gristmill.domain.export_parts import Parts

FILE = "manifest.json"
FORMAT = "gristmill-export"
VERSION = 1
MOST_BYTES = 256 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A piece of an asset's content; ``path`` is its place in the zip, None where it lies behind a connection."""

    name: str
    mime: str
    path: str | None = None
    connection_id: str | None = None
    connection_path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedAsset:
    """An asset of a manifest. ``id`` is the one that it had where it comes from: others refer to it by that.

    ``secrets`` are the names of its secret members, whose values stayed behind.
    """

    id: str
    type: str
    name: str
    description: str = ""
    tags: Sequence[str] = ()
    entity: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[ExportedFile] = ()
    secrets: Sequence[str] = ()


def entry(asset: Asset, attachments: Sequence[Attachment]) -> dict[str, Any]:
    """Return an asset's entry; secrets stay behind."""
    return {
        "id": asset.id,
        "type": asset.type,
        "name": asset.name,
        "description": asset.description,
        "tags": list(asset.tags),
        "entity": unsealed(asset.entity),
        "secrets": sorted(asset.entity.get(SEALED) or {}),
        "files": [_file(attachment) for attachment in attachments if attachment.complete],
    }


def document(entries: Sequence[Mapping[str, Any]], parts: Parts | None = None) -> dict[str, Any]:
    """Return the manifest; ``parts`` are there where a whole space is exported."""
    whole = {export_parts.MEMBER: export_parts.document(parts)} if parts else {}
    return {"format": FORMAT, "version": VERSION, "assets": list(entries), **whole}


def read(manifest: object) -> tuple[list[ExportedAsset], Parts]:
    """Return the assets of a manifest, and what else it has of a space.

    Raises:
        Invalid: it is none of ours, or an entry is malformed.

    """
    if not isinstance(manifest, Mapping) or manifest.get("format") != FORMAT:
        raise _refused("it is no manifest of an export")
    if manifest.get("version") != VERSION:
        raise _refused(f"its version is {manifest.get('version')}, and this server reads {VERSION}")
    try:
        return [_asset(found) for found in manifest["assets"]], export_parts.read(manifest.get(export_parts.MEMBER))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refused(f"an entry is malformed ({error})") from error


def content_path(attachment_id: str) -> str:
    """Return where an attachment's content lies in the zip."""
    return f"contents/{attachment_id}"


def _file(attachment: Attachment) -> dict[str, Any]:
    return {
        "name": attachment.name,
        "mime": attachment.mime,
        "path": content_path(attachment.id) if attachment.content_key else None,
        "connection_id": attachment.connection_id,
        "connection_path": attachment.connection_path,
    }


def _asset(found: Mapping[str, Any]) -> ExportedAsset:
    entity = found["entity"]
    if not isinstance(entity, Mapping) or SEALED in entity:
        raise ValueError("entity")
    files = [
        ExportedFile(
            name=str(file["name"]),
            mime=str(file["mime"]),
            path=inner_path(str(file["path"])) if file.get("path") else None,
            connection_id=file.get("connection_id"),
            connection_path=file.get("connection_path"),
        )
        for file in found["files"]
    ]
    return ExportedAsset(
        id=str(found["id"]),
        type=str(found["type"]),
        name=str(found["name"]),
        description=str(found["description"]),
        tags=[str(tag) for tag in found["tags"]],
        entity=entity,
        files=files,
        secrets=[str(name) for name in found.get("secrets", [])],
    )


def _refused(why: str) -> Invalid:
    return Invalid(f"{FILE}: {why}.", code="invalid_export_file", field=FILE)

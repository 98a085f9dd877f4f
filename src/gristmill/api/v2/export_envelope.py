"""Exports and imports as the wire shows them."""

from __future__ import annotations

from typing import Any

from gristmill.api.envelope import instant, without_none
from gristmill.domain.export import Export, ExportKind


def envelope(export: Export) -> dict[str, Any]:
    """Return an export or import."""
    plural = "asset_exports" if export.kind is ExportKind.EXPORT else "asset_imports"
    metadata = {
        "id": export.id,
        "name": export.name,
        "description": export.description or None,
        "created_at": instant(export.created_at),
        "creator_id": export.owner_id,
        "space_id": export.space_id,
        "url": f"/v2/{plural}/{export.id}?space_id={export.space_id}",
    }
    entity = {**export.document, "format": "json", "status": {"state": str(export.state)}}
    return {"metadata": without_none(metadata), "entity": entity}

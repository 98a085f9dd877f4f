"""`/v2/connections`. Secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Body, Query, Request

from gristmill.api.envelope import instant, public_url
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.data.source import Entry
from gristmill.domain.asset import Asset
from gristmill.domain.errors import NotFound
from gristmill.service import connected_data, connections

router = Router(prefix="/v2/connections", tag="connections")
_MOST_ENTRIES = 1_000
_DATA = frozenset({"table", "view", "file"})


@router.post("", status_code=201)
def create(
    ctx: Ctx,
    me: Me,
    document: Annotated[dict[str, Any], Body()],
    *,
    space_id: str | None = None,
    test: bool = False,
) -> dict[str, Any]:
    """Make a connection; with ``test=true`` only one that works."""
    if test:
        connected_data.require_new(ctx, me, space_id, document)
    return envelope(connections.create(ctx, me, space_id, document))


@router.get("/{connection_id}")
def get(ctx: Ctx, me: Me, connection_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return a connection."""
    return envelope(connections.get(ctx, me, space_id, connection_id))


@router.patch("/{connection_id}")
def patch(
    ctx: Ctx,
    me: Me,
    connection_id: str,
    operations: Annotated[list[dict[str, Any]], Body()],
    space_id: str | None = None,
) -> dict[str, Any]:
    """Change a connection by JSON patch."""
    return envelope(connections.patch(ctx, me, space_id, connection_id, operations))


@router.delete("/{connection_id}", status_code=204)
def delete(ctx: Ctx, me: Me, connection_id: str, space_id: str | None = None) -> None:
    """Delete a connection for good."""
    connections.delete(ctx, me, space_id, connection_id)


@router.post("/{connection_id}/test")
def try_out(ctx: Ctx, me: Me, connection_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Find out whether a connection works."""
    return asdict(connected_data.try_out(ctx, me, space_id, connection_id))


@router.put("/{connection_id}/actions/{action}")
def act(ctx: Ctx, me: Me, connection_id: str, action: str, space_id: str | None = None) -> dict[str, Any]:
    """Do what the wire calls an action; the only one here is ``test``."""
    if action != "test":
        message = f"There is no action {action} of connections here; there is test."
        raise NotFound(message, code="connection_action_not_found")
    connected_data.require(ctx, me, space_id, connection_id)
    return {}


@router.get("/{connection_id}/assets")
def browse(
    request: Request,
    ctx: Ctx,
    me: Me,
    connection_id: str,
    *,
    space_id: str | None = None,
    path: str = "/",
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST_ENTRIES)] = 100,
) -> dict[str, Any]:
    """List what is behind a connection at a path."""
    found = connected_data.browse(ctx, me, space_id, connection_id, path, offset=offset, limit=limit + 1)
    answer: dict[str, Any] = {
        "path": path,
        "asset_types": _types(found[:limit]),
        "assets": [_entry(entry) for entry in found[:limit]],
    }
    if len(found) > limit:
        href = public_url(request).include_query_params(offset=offset + limit, limit=limit)
        answer["next"] = {"href": str(href)}
    return answer


def _types(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    there = sorted({entry.type for entry in entries})
    return [{"type": name, "dataset": name in _DATA, "dataset_container": name not in _DATA} for name in there]


def _entry(entry: Entry) -> dict[str, Any]:
    details = {"size": entry.size, "rows": entry.rows, "modified": instant(entry.modified_at) or None}
    kept = {name: value for name, value in details.items() if value is not None}
    return {"id": entry.name, "name": entry.name, "type": entry.type, "path": entry.path, "details": kept}


def envelope(asset: Asset) -> dict[str, Any]:
    """Return a connection as the wire shows it."""
    described = asset.entity["connection"]
    metadata = {
        "asset_id": asset.id,
        "asset_type": "connection",
        "create_time": instant(asset.created_at),
        "creator_id": asset.owner_id,
        "space_id": asset.space_id,
        "usage": {"last_access_time": instant(asset.modified_at), "access_count": 0},
        "asset_category": "user",
    }
    entity = {
        "name": asset.name,
        "description": asset.description,
        "tags": list(asset.tags),
        "datasource_type": described["datasource_type"],
        "properties": dict(described.get("properties", {})),
        "origin_country": described.get("origin_country", "us"),
        "owner_id": asset.owner_id,
        "flags": [],
    }
    return {"metadata": metadata, "entity": entity, "href": f"/v2/connections/{asset.id}?space_id={asset.space_id}"}

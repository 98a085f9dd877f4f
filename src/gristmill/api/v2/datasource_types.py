"""`/v2/datasource_types`: what connections may lead to."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from gristmill.api.envelope import public_url
from gristmill.api.router import Router
from gristmill.api.session import Me
from gristmill.data.connect import supported
from gristmill.domain import datasource_types
from gristmill.domain.datasource_types import DATASOURCE_TYPES, DatasourceType

router = Router(prefix="/v2/datasource_types", tag="datasource types")
_MOST = 100


@router.get("")
def page(request: Request, _me: Me, limit: int | None = None, offset: int = 0) -> dict[str, Any]:
    """List the types, without their properties unless asked for."""
    size, first = max(1, min(limit or _MOST, _MOST)), max(0, offset)
    shown = DATASOURCE_TYPES[first : first + size]
    properties = request.query_params.get("connection_properties") == "true"
    answer: dict[str, Any] = {
        "total_count": len(DATASOURCE_TYPES),
        "resources": [envelope(kind, properties=properties) for kind in shown],
    }
    if first + size < len(DATASOURCE_TYPES):
        href = public_url(request).include_query_params(offset=first + size, limit=size)
        answer["next"] = {"href": str(href)}
    return answer


@router.get("/{name_or_id}")
def get(_me: Me, name_or_id: str, *, connection_properties: bool = True) -> dict[str, Any]:
    """Return a type by its name or id."""
    return envelope(datasource_types.find(name_or_id), properties=connection_properties)


def envelope(kind: DatasourceType, *, properties: bool) -> dict[str, Any]:
    """Return a type as the wire shows it."""
    usable = supported(kind.name)
    entity: dict[str, Any] = {
        "name": kind.name,
        "type": kind.kind,
        "status": "active" if usable else "stored only",
        "label": kind.label if usable else f"{kind.label} (connections are stored, and not used here)",
    }
    if properties:
        entity["properties"] = {
            "connection": [
                {"name": entry.name, "type": entry.type, "required": entry.required, "masked": entry.masked}
                for entry in kind.properties
            ],
            "target": [{"name": "write_mode", "values": [{"value": "append"}, {"value": "truncate"}]}],
        }
    metadata = {"asset_id": kind.id, "href": f"/v2/datasource_types/{kind.id}"}
    return {"metadata": metadata, "entity": entity}

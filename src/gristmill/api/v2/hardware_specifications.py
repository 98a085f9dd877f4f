"""`/v2/hardware_specifications`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request, Response

from gristmill.api.envelope import instant, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.specification_page import answer, size_of
from gristmill.domain.specification import HardwareSpecification
from gristmill.service import hardware_specifications

router = Router(prefix="/v2/hardware_specifications", tag="hardware specifications")


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    name: str | None = None,
    limit: int | None = None,
    start: str | None = None,
) -> Response:
    """List the specifications of a space, the predefined ones first; or those of one name."""
    found = hardware_specifications.page(ctx, me, space_id, name=name, limit=size_of(limit), start=start)
    return answer(request, found, envelope)


@router.post("", status_code=201)
def create(
    ctx: Ctx, me: Me, document: Annotated[dict[str, Any], Body()], space_id: str | None = None
) -> dict[str, Any]:
    """Make a custom specification."""
    return envelope(hardware_specifications.create(ctx, me, document.get("space_id") or space_id, document))


@router.get("/{specification_id}")
def get(ctx: Ctx, me: Me, specification_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return a specification."""
    return envelope(hardware_specifications.get(ctx, me, space_id, specification_id))


@router.delete("/{specification_id}", status_code=204)
def delete(ctx: Ctx, me: Me, specification_id: str, space_id: str | None = None) -> None:
    """Delete a custom specification."""
    hardware_specifications.delete(ctx, me, space_id, specification_id)


def envelope(specification: HardwareSpecification) -> dict[str, Any]:
    """Return a specification as the wire shows it."""
    scope = f"?space_id={specification.space_id}" if specification.space_id else ""
    metadata = {
        "name": specification.name,
        "description": specification.description or None,
        "asset_id": specification.id,
        "href": f"/v2/hardware_specifications/{specification.id}{scope}",
        "asset_type": "hardware_specification",
        "created_at": instant(specification.created_at),
        "space_id": specification.space_id,
    }
    entity = {"hardware_specification": {"nodes": dict(specification.nodes)}}
    return {"metadata": without_none(metadata), "entity": entity}

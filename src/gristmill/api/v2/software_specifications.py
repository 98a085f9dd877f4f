"""`/v2/software_specifications`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Request, Response

from gristmill.api.envelope import instant, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.specification_page import answer, size_of
from gristmill.domain.specification import SoftwareSpecification
from gristmill.service import software_specifications

router = Router(prefix="/v2/software_specifications", tag="software specifications")


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
    found = software_specifications.page(ctx, me, space_id, name=name, limit=size_of(limit), start=start)
    return answer(request, found, envelope)


@router.post("", status_code=201)
def create(
    ctx: Ctx, me: Me, document: Annotated[dict[str, Any], Body()], space_id: str | None = None
) -> dict[str, Any]:
    """Derive a specification from another one."""
    return envelope(software_specifications.create(ctx, me, document.get("space_id") or space_id, document))


@router.get("/{specification_id}")
def get(ctx: Ctx, me: Me, specification_id: str, space_id: str | None = None) -> dict[str, Any]:
    """Return a specification."""
    return envelope(software_specifications.get(ctx, me, space_id, specification_id))


@router.delete("/{specification_id}", status_code=204)
def delete(ctx: Ctx, me: Me, specification_id: str, space_id: str | None = None) -> None:
    """Delete a derived specification that nothing runs with."""
    software_specifications.delete(ctx, me, space_id, specification_id)


@router.put("/{specification_id}/package_extensions/{extension_id}", status_code=204)
def add_extension(ctx: Ctx, me: Me, specification_id: str, extension_id: str, space_id: str | None = None) -> None:
    """Add a package extension to a derived specification."""
    software_specifications.set_extension(ctx, me, space_id, specification_id, extension_id, present=True)


@router.delete("/{specification_id}/package_extensions/{extension_id}", status_code=204)
def remove_extension(ctx: Ctx, me: Me, specification_id: str, extension_id: str, space_id: str | None = None) -> None:
    """Take a package extension out of a derived specification."""
    software_specifications.set_extension(ctx, me, space_id, specification_id, extension_id, present=False)


def envelope(specification: SoftwareSpecification) -> dict[str, Any]:
    """Return a specification as the wire shows it."""
    scope = f"?space_id={specification.space_id}" if specification.space_id else ""
    metadata = {
        "name": specification.name,
        "description": specification.description or None,
        "asset_id": specification.id,
        "href": f"/v2/software_specifications/{specification.id}{scope}",
        "asset_type": "software_specification",
        "created_at": instant(specification.created_at),
        "space_id": specification.space_id,
        "life_cycle": dict(specification.life_cycle) or None,
    }
    included = [{"name": name, "version": version} for name, version in specification.packages.items()]
    entity = {
        "type": "base" if specification.base_id is None else "derived",
        "display_name": specification.name,
        "base_software_specification": {"guid": specification.base_id} if specification.base_id else None,
        # Clients find the id in either place.
        "package_extensions": [
            {"guid": extension_id, "metadata": {"asset_id": extension_id, "asset_type": "package_extension"}}
            for extension_id in specification.package_extension_ids
        ],
        "software_configuration": {
            "platform": {"name": specification.platform, "version": specification.platform_version},
            "included_packages": included,
        },
    }
    return {"metadata": without_none(metadata), "entity": {"software_specification": without_none(entity)}}

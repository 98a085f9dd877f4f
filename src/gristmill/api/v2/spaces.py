"""Spaces on the wire."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query, Request
from pydantic import BaseModel

from gristmill.api.envelope import instant, page_limit, resources, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain import json_patch
from gristmill.domain.space import Space
from gristmill.service import spaces
from gristmill.service.spaces import PATCHABLE, NewSpace

router = Router(prefix="/v2/spaces", tag="Spaces")
MOST_ON_A_PAGE = 1000


class SpaceBody(BaseModel):
    """A space to be made; the cloud client sends ``storage`` and ``compute``."""

    name: str
    description: str | None = None
    type: str | None = None
    tags: list[str] | None = None
    stage: dict[str, Any] | None = None
    storage: dict[str, Any] | None = None
    compute: list[dict[str, Any]] | dict[str, Any] | None = None

    def new(self) -> NewSpace:
        """Return the use case's form of it."""
        compute = [self.compute] if isinstance(self.compute, dict) else self.compute or []
        return NewSpace(
            name=self.name,
            description=self.description or "",
            type=self.type or "cpd",
            tags=self.tags or [],
            stage=self.stage or {},
            storage=self.storage,
            compute=compute,
        )


@router.post("", status_code=202)
def create(ctx: Ctx, actor: Me, body: SpaceBody) -> dict[str, Any]:
    """Make a space. It is active in this very answer: a client that waits for that polls every 10 s."""
    return _envelope(spaces.create(ctx, actor, body.new()))


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    actor: Me,
    limit: int | None = None,
    start: str | None = None,
    name: str | None = None,
    kind: Annotated[str | None, Query(alias="type")] = None,
    member: str | None = None,
    roles: str | None = None,
) -> dict[str, Any]:
    """List my spaces; ``roles`` is a list with commas."""
    size = page_limit(limit, most=MOST_ON_A_PAGE)
    wanted = [role.strip() for role in (roles or "").split(",") if role.strip()]
    found = spaces.page(ctx, actor, limit=size, start=start, name=name, kind=kind, member_id=member, roles=wanted)
    return resources(request, found, _envelope, size)


@router.get("/{space_id}")
def get(ctx: Ctx, actor: Me, space_id: str) -> dict[str, Any]:
    """Return one space."""
    return _envelope(spaces.get(ctx, actor, space_id))


@router.patch("/{space_id}")
def change(ctx: Ctx, actor: Me, space_id: str, operations: Annotated[list[dict[str, Any]], Body()]) -> dict[str, Any]:
    """Change a space by JSON patch."""
    wanted = json_patch.changes(operations, allowed=PATCHABLE)
    return _envelope(spaces.change(ctx, actor, space_id, wanted))


@router.delete("/{space_id}", status_code=202)
def delete(ctx: Ctx, actor: Me, space_id: str) -> dict[str, Any]:
    """Delete a space with all that is in it; it is gone for its members at once."""
    spaces.delete(ctx, actor, space_id)
    return {}


def _envelope(space: Space) -> dict[str, Any]:
    entity = {
        "name": space.name,
        "description": space.description,
        "scope": {"bss_account_id": "999"},
        "stage": {"production": False, **without_none(space.stage)},
        "type": space.type,
        "tags": list(space.tags),
        "status": {"state": str(space.state)},
        "paused": space.paused,
        "retention": space.retention,
        "compute": list(space.compute) or None,
        "storage": space.storage,
    }
    metadata = {
        "id": space.id,
        "url": f"/v2/spaces/{space.id}",
        "creator_id": space.creator_id,
        "created_at": instant(space.created_at),
        "updated_at": instant(space.modified_at),
    }
    return {"entity": without_none(entity), "metadata": metadata}

"""`/v2/projects`: spaces, for clients of jobs that know projects only, and send a space's id as `project_id`."""

from __future__ import annotations

from typing import Any

from gristmill.api.envelope import instant, page_limit
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.space import Space
from gristmill.service import spaces

router = Router(prefix="/v2/projects", tag="Projects")


@router.get("")
def page(
    ctx: Ctx, me: Me, name: str | None = None, limit: int | None = None, bookmark: str | None = None
) -> dict[str, Any]:
    """List my spaces as projects; ``bookmark`` leads on."""
    found = spaces.page(ctx, me, limit=page_limit(limit), start=bookmark, name=name)
    answer: dict[str, Any] = {"resources": [_envelope(space) for space in found.items]}
    return answer | ({"bookmark": found.next} if found.next else {})


@router.get("/{project_id}")
def get(ctx: Ctx, me: Me, project_id: str) -> dict[str, Any]:
    """Return a space as a project."""
    return _envelope(spaces.get(ctx, me, project_id))


def _envelope(space: Space) -> dict[str, Any]:
    entity = {
        "name": space.name,
        "description": space.description,
        "type": space.type,
        "generator": "gristmill",
        "public": False,
        "creator": space.creator_id,
        "tags": list(space.tags),
        "scope": {"bss_account_id": "999"},
        "storage": {"type": "assetfiles", "guid": space.id},
        "compute": [],
    }
    metadata = {
        "guid": space.id,
        "url": f"/v2/projects/{space.id}",
        "created_at": instant(space.created_at),
        "updated_at": instant(space.modified_at),
    }
    return {"entity": entity, "metadata": metadata}

"""Lists that clients ask for in passing: kinds of asset that are not kept here, and the older specification list."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from gristmill.api.envelope import WireResponse, page_limit, resources
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.errors import NotFound
from gristmill.domain.page import Page
from gristmill.domain.specification import SoftwareSpecification
from gristmill.service import software_specifications

router = Router(tag="lists")
_ABSENT = ("experiments", "pipelines", "ai_services", "trainings", "remote_training_systems", "training_definitions")
_MOST = 1_000


def _add_absent(name: str) -> None:
    @router.get(f"/ml/v4/{name}")
    def page(request: Request, _me: Me, limit: int | None = None) -> Response:
        """Return an empty list."""
        nothing: Page[Any] = Page(items=())
        return WireResponse(resources(request, nothing, dict, page_limit(limit)))

    @router.get(f"/ml/v4/{name}/{{item_id}}")
    def get(_me: Me, item_id: str) -> None:
        """Say that there is none."""
        raise NotFound(f"There is nothing in {name} with the id {item_id}; Gristmill keeps none.", code="not_found")


for _name in _ABSENT:
    _add_absent(_name)


@router.get("/wx/v1/prompts/{prompt_id}")
@router.get("/wx/v1-beta/prompts/{prompt_id}")
def prompt(_me: Me, prompt_id: str) -> None:
    """Say that there is no prompt: clients ask before they deploy any asset."""
    raise NotFound(f"There is no prompt {prompt_id}; Gristmill keeps none.", code="prompt_not_found")


@router.get("/ml/v4/list/software_specifications")
def software(ctx: Ctx, me: Me, space_id: str | None = None) -> dict[str, Any]:
    """List the software specifications as older clients read them."""
    found = software_specifications.page(ctx, me, space_id, name=None, limit=_MOST)
    return {"results": [_older(specification) for specification in found.items]}


def _older(specification: SoftwareSpecification) -> dict[str, Any]:
    states = ("retired", "constricted", "deprecated", "available", "supported")
    state = next((state for state in states if state in specification.life_cycle), "supported")
    return {
        "id": specification.id,
        "name": specification.name,
        "state": "supported" if state == "available" else state,
        "replacement": str(specification.life_cycle.get("replacement_name", "")),
    }

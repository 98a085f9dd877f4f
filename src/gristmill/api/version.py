"""What clients ask about the service, and the answers that only keep them going."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from gristmill.api.envelope import WireResponse, page_limit, resources
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.errors import NotFound
from gristmill.domain.page import Page
from gristmill.service import health

router = Router(tag="Service")
VERSION = "5.3.0"
VERSION_FOR_THE_OLDER_CLIENT = "5.0.3"
"""Each client asks only its own route, and refuses versions that it does not know."""


@router.get("/ml/wml_services/v2/version")
def version() -> dict[str, str]:
    """Return the version of the wire that this server speaks."""
    return {"version": VERSION}


@router.get("/ml/wml_services/version")
def version_for_the_older_client() -> dict[str, str]:
    """Return the version that the older client knows."""
    return {"version": VERSION_FOR_THE_OLDER_CLIENT}


@router.get("/ml/v4/instances/{instance_id}")
def instance(_actor: Me, instance_id: str) -> dict[str, Any]:
    """Describe the service instance, which is always this server."""
    return {
        "entity": {"name": "Gristmill", "plan": {"name": "standard", "version": 2}},
        "metadata": {"id": instance_id},
    }


@router.get("/healthz", include_in_schema=False)
def alive() -> dict[str, str]:
    """Say that this process answers."""
    return {"status": "ok"}


@router.get("/readyz", include_in_schema=False)
def ready(ctx: Ctx) -> WireResponse:
    """Say whether requests can be served now."""
    if health.ready(ctx):
        return WireResponse({"status": "ok"})
    return WireResponse({"status": "the database does not answer"}, status_code=503)


@router.get("/v2/connections/version")
def version_of_connections(_actor: Me) -> dict[str, str]:
    """Say that connections are served: the client of data integration asks so before anything else."""
    return {"service_name": "connections", "status": "ok", "version": VERSION}


@router.get("/wx/v1/prompts/{prompt_id}", include_in_schema=False)
@router.get("/wx/v1-beta/prompts/{prompt_id}", include_in_schema=False)
def no_prompt(_actor: Me, prompt_id: str) -> dict[str, Any]:
    """Deny that an asset is a prompt template: the client asks so before every deployment."""
    raise NotFound(f"There is no prompt template {prompt_id}; Gristmill keeps none.")


@router.get("/ml/v4/experiments", include_in_schema=False)
@router.get("/ml/v4/pipelines", include_in_schema=False)
@router.get("/ml/v4/ai_services", include_in_schema=False)
@router.get("/ml/v4/trainings", include_in_schema=False)
def none_of_these(request: Request, _actor: Me, limit: int | None = None) -> dict[str, Any]:
    """Return an empty list: the client lists all kinds of assets one after the other, and stops at a 404."""
    nothing: Page[dict[str, Any]] = Page(items=())
    return resources(request, nothing, dict, page_limit(limit))


@router.get("/ml/v4/experiments/{asset_id}", include_in_schema=False)
@router.get("/ml/v4/pipelines/{asset_id}", include_in_schema=False)
@router.get("/ml/v4/ai_services/{asset_id}", include_in_schema=False)
def not_one_of_these(_actor: Me, asset_id: str) -> dict[str, Any]:
    """Deny it: the client tries one kind of asset after the other."""
    raise NotFound(f"There is nothing of this kind with the id {asset_id}; Gristmill keeps none.")

"""`/v2/asset_summaries` and `/v2/assets/{id}/uses`: a space's assets at a glance. An extension of the wire."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from gristmill.api.envelope import page_limit
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.asset_summary import AssetSummary
from gristmill.service import asset_summaries

router = Router(prefix="/v2", tag="assets")
_MOST = 100


class MakerGlance(BaseModel):
    """The newest run that wrote an asset, and its job; a name is null where that is gone."""

    job_id: str
    run_id: str
    job_name: str | None
    run_name: str | None


class AssetGlance(BaseModel):
    """An asset; ``revision`` is the newest frozen one, 0 without, ``input_fields`` the columns of a model's schema."""

    id: str
    name: str
    description: str
    asset_type: str
    size: int
    revision: int
    created_at: datetime
    modified_at: datetime
    input_fields: int | None
    made_by: MakerGlance | None
    deployments: int
    jobs: int


class OutputsGlance(BaseModel):
    """What the runs of one job wrote; ``job_name`` is null where the job is gone."""

    job_id: str
    job_name: str | None
    number: int
    size: int
    newest_at: datetime


class AssetGlances(BaseModel):
    """A page of assets; ``next`` is the mark of the page after it, ``outputs`` the newest 50 jobs with outputs."""

    now: datetime
    counts: dict[str, int]
    outputs: list[OutputsGlance]
    results: list[AssetGlance]
    next: str | None


class UseGlance(BaseModel):
    """A deployment, job or asset; ``how`` is ``runs``, or ``reads`` for reading and writing."""

    id: str
    name: str
    how: str


class AssetUsesDocument(BaseModel):
    """What would miss an asset, up to 100 of each kind."""

    made_by: MakerGlance | None
    deployments: list[UseGlance]
    jobs: list[UseGlance]
    assets: list[UseGlance]


@router.get("/asset_summaries")
def page(
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    name: Annotated[str | None, Query(max_length=255, description="Text in the names.")] = None,
    asset_type: Annotated[str | None, Query(max_length=60)] = None,
    made_by: Annotated[str | None, Query(max_length=36, description="A job: list what its runs wrote.")] = None,
    limit: int | None = None,
    start: str | None = None,
) -> AssetGlances:
    """List a space's assets but for outputs of runs, or those of one job, the newest first, each with what uses it."""
    wanted = {"type_name": asset_type, "text": name, "maker_job_id": made_by}
    size = page_limit(limit, most=_MOST)
    found, counts = asset_summaries.page(ctx, me, space_id, limit=size, start=start, **wanted)
    return AssetGlances(
        now=ctx.now(),
        counts=dict(counts.by_type),
        outputs=[OutputsGlance.model_validate(asdict(each)) for each in counts.outputs],
        results=[_glance(each) for each in found.items],
        next=found.next,
    )


@router.get("/assets/{asset_id}/uses")
def uses(ctx: Ctx, me: Me, asset_id: str, space_id: str | None = None) -> AssetUsesDocument:
    """Return the run that wrote an asset, and the deployments, jobs and assets that refer to it."""
    found = asdict(asset_summaries.uses(ctx, me, space_id, asset_id))
    return AssetUsesDocument.model_validate({**found, "made_by": found.pop("maker")})


def _glance(summary: AssetSummary) -> AssetGlance:
    asset = summary.asset
    return AssetGlance(
        id=asset.id,
        name=asset.name,
        description=asset.description,
        asset_type=asset.type,
        size=asset.size,
        revision=asset.latest_revision,
        created_at=asset.created_at,
        modified_at=asset.modified_at,
        input_fields=summary.input_fields,
        made_by=MakerGlance.model_validate(asdict(summary.maker)) if summary.maker else None,
        deployments=summary.deployments,
        jobs=summary.jobs,
    )

"""`/v2/jobs/{id}/runs/{run_id}/pin` and `/v2/jobs/{id}/retention_preview`: what retention leaves, and what it takes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from gristmill.api.envelope import instant
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.service import retention

router = Router(prefix="/v2/jobs/{job_id}", tag="retention")
of_spaces = Router(prefix="/v2/spaces/{space_id}/retention_preview", tag="retention")


class SpaceEffect(BaseModel):
    """What would go now, in runs and bytes; ``own`` of the ``jobs`` have policies of their own, which stay."""

    policy: dict[str, Any]
    source: str
    jobs: int
    own: int
    runs: int
    bytes: int
    bytes_exact: bool
    results_deleted: int


@router.post("/runs/{run_id}/pin", status_code=204)
def pin(ctx: Ctx, me: Me, job_id: str, run_id: str) -> None:
    """Keep a run whatever its retention."""
    retention.pin(ctx, me, job_id, run_id, pinned=True)


@router.delete("/runs/{run_id}/pin", status_code=204)
def unpin(ctx: Ctx, me: Me, job_id: str, run_id: str) -> None:
    """Leave a run to its retention again."""
    retention.pin(ctx, me, job_id, run_id, pinned=False)


@router.get("/retention_preview")
def preview(  # a policy to try
    ctx: Ctx,
    me: Me,
    job_id: str,
    amount: Annotated[int | None, Query()] = None,
    days: Annotated[int | None, Query()] = None,
    results: Annotated[str | None, Query()] = None,
) -> dict[str, Any]:
    """Tell what would go of a job's runs now, under its policy or under the one of the query."""
    asked = {"amount": amount, "days": days, "results": results}
    wanted = asked if any(value is not None for value in asked.values()) else None
    found = retention.preview(ctx, me, job_id, policy=wanted)
    totals = found.totals
    return {
        "policy": found.retention.document(),
        "source": str(found.source),
        "runs": totals.runs,
        "oldest": instant(totals.oldest) if totals.oldest else None,
        "newest": instant(totals.newest) if totals.newest else None,
        "bytes": found.size,
        "bytes_exact": found.exact,
        "results_deleted": found.results,
    }


@of_spaces.get("")
def preview_space(  # a policy to try
    ctx: Ctx,
    me: Me,
    space_id: str,
    amount: Annotated[int | None, Query()] = None,
    days: Annotated[int | None, Query()] = None,
    results: Annotated[str | None, Query()] = None,
) -> SpaceEffect:
    """Tell what would go of a space's runs now, under its policy or under the one of the query."""
    asked = {"amount": amount, "days": days, "results": results}
    wanted = asked if any(value is not None for value in asked.values()) else None
    found = retention.preview_space(ctx, me, space_id, policy=wanted)
    return SpaceEffect(
        policy=found.retention.document(),
        source=str(found.source),
        jobs=found.jobs,
        own=found.own,
        runs=found.runs,
        bytes=found.size,
        bytes_exact=found.exact,
        results_deleted=found.results,
    )

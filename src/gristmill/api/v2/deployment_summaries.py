"""`/v2/deployment_summaries`: a space's deployments at a glance, and their queues. An extension of the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.job_document import platform_state
from gristmill.api.v2.job_summaries import RunGlance
from gristmill.domain.deployment_summary import DeploymentSummary
from gristmill.domain.job_summary import seconds_of
from gristmill.domain.run import Run
from gristmill.domain.waiting import Waiting
from gristmill.service import deployment_summaries
from gristmill.service.deployment_summaries import MOST_DEPLOYMENTS

router = Router(prefix="/v2/deployment_summaries", tag="deployments")


class DeploymentGlance(BaseModel):
    """A deployment; ``runs`` are the newest 14, the newest first, and the medians are of those."""

    id: str
    name: str
    description: str
    state: str
    failure: str | None
    asset_id: str
    asset_name: str | None
    asset_type: str
    asset_revision: int | None
    hardware: str
    max_running: int
    running: int
    queued: int
    oldest_waiting_at: datetime | None
    median_wait_seconds: float | None
    median_seconds: float | None
    runs: list[RunGlance]
    jobs: int
    serving_name: str | None
    created_at: datetime


class DeploymentGlances(BaseModel):
    """A page of deployments; ``next`` is the mark of the page after it."""

    now: datetime
    results: list[DeploymentGlance]
    next: str | None


class QueuedRun(BaseModel):
    """A run that works, or waits: then with its place, why, and when it will probably start."""

    id: str
    job_id: str
    name: str
    state: str
    created_at: datetime
    started_at: datetime | None
    place: int | None = None
    reason: str | None = None
    estimated_start: datetime | None = None


class QueueDocument(BaseModel):
    """What works and what waits, in order; of ``queued`` runs in all, the first 25."""

    max_running: int
    queued: int
    working: list[QueuedRun]
    waiting: list[QueuedRun]


@router.get("")
def page(
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    name: Annotated[str | None, Query(max_length=255, description="Text in the names.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_DEPLOYMENTS)] = MOST_DEPLOYMENTS,
    start: str | None = None,
) -> DeploymentGlances:
    """List a space's deployments, the newest first, each with its queue and its newest runs."""
    found = deployment_summaries.page(ctx, me, space_id, limit=limit, start=start, text=name)
    return DeploymentGlances(now=ctx.now(), results=[_glance(each) for each in found.items], next=found.next)


@router.get("/{deployment_id}")
def one(ctx: Ctx, me: Me, deployment_id: str, space_id: str | None = None) -> DeploymentGlance:
    """Return one deployment as the list shows it."""
    return _glance(deployment_summaries.one(ctx, me, space_id, deployment_id))


@router.get("/{deployment_id}/queue")
def queue(ctx: Ctx, me: Me, deployment_id: str, space_id: str | None = None) -> QueueDocument:
    """Return which runs of a deployment work, and the first that wait, each with why."""
    found = deployment_summaries.queue(ctx, me, space_id, deployment_id)
    return QueueDocument(
        max_running=found.max_running,
        queued=found.queued,
        working=[_queued(run, None) for run in found.working],
        waiting=[_queued(run, waiting) for run, waiting in found.waiting],
    )


def _glance(summary: DeploymentSummary) -> DeploymentGlance:
    deployment = summary.deployment
    return DeploymentGlance(
        id=deployment.id,
        name=deployment.name,
        description=deployment.description,
        state=str(deployment.state),
        failure=deployment.failure,
        asset_id=deployment.asset_id,
        asset_name=summary.asset_name,
        asset_type=deployment.asset_type,
        asset_revision=deployment.asset_revision,
        hardware=str(deployment.hardware.get("name", "")),
        max_running=deployment.max_running,
        running=summary.running,
        queued=summary.queued,
        oldest_waiting_at=summary.oldest_waiting_at,
        median_wait_seconds=summary.median_wait_seconds,
        median_seconds=summary.median_seconds,
        runs=[_bar(run) for run in summary.recent],
        jobs=summary.jobs,
        serving_name=deployment.serving_name,
        created_at=deployment.created_at,
    )


def _bar(run: Run) -> RunGlance:
    return RunGlance(id=run.id, state=platform_state(run), seconds=seconds_of(run))


def _queued(run: Run, waiting: Waiting | None) -> QueuedRun:
    why = {"place": waiting.place, "reason": waiting.reason} if waiting else {}
    return QueuedRun.model_validate(
        {
            "id": run.id,
            "job_id": run.job_id,
            "name": run.name,
            "state": platform_state(run),
            "created_at": run.created_at,
            "started_at": run.started_at,
            "estimated_start": waiting.estimated_start if waiting else None,
            **why,
        }
    )

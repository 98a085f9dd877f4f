"""`/v1/workers`, for administrators, and `/v1/health`, for everybody. Extensions of the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.service import liveness, workers

router = Router(tag="Administration")


class WorkerLine(BaseModel):
    """A worker. What it offers is null where it takes whatever runs ask for; ``stale`` is one that is silent.

    ``environments`` are the versions of Python that it has, as 3.12; others cannot be built there.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    host: str
    pid: int
    slots: int
    running: int
    millicores: int | None
    memory_bytes: int | None
    reserved_millicores: int
    reserved_memory_bytes: int
    started_at: datetime
    seen_at: datetime
    stale: bool
    labels: list[str]
    environments: list[str]


class WorkerLines(BaseModel):
    """All workers that were heard of within a day."""

    results: list[WorkerLine]


class Health(BaseModel):
    """When a scheduler and a worker were last heard of; ``silent`` names what was not for half a minute."""

    model_config = ConfigDict(from_attributes=True)

    now: datetime
    scheduler_seen_at: datetime | None
    workers_seen_at: datetime | None
    silent: list[str]


@router.get("/v1/workers")
def list_workers(ctx: Ctx, me: Me) -> WorkerLines:
    """List the workers with what they offer and what of it is reserved."""
    return WorkerLines(results=[WorkerLine.model_validate(each) for each in workers.list_all(ctx, me)])


@router.get("/v1/health")
def health(ctx: Ctx, me: Me) -> Health:  # noqa: ARG001 - whoever is signed in
    """Tell whether anybody decides ticks and works on runs."""
    return Health.model_validate(liveness.look(ctx))

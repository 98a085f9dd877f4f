"""`/ml/v4/deployment_jobs`: runs of a deployment."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from gristmill.api.envelope import WireResponse, page_limit, resources
from gristmill.api.ml_v4 import deployment_job_document as document
from gristmill.api.ml_v4.deployment_job_body import DeploymentJobBody
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.upload import spooled
from gristmill.domain.errors import Invalid
from gristmill.domain.run import RunState
from gristmill.domain.user import Actor
from gristmill.service import deployment_jobs, runs
from gristmill.service.context import Context
from gristmill.service.runs import RunDetails

router = Router(prefix="/ml/v4/deployment_jobs", tag="deployment jobs")
_JSON = "application/json"


@router.post("", status_code=202)
async def create(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    retention: int | None = None,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> Response:
    """Submit a deployment job. ``Idempotency-Key`` makes a repeated request give the same job."""
    async with spooled(request) as file:
        body = DeploymentJobBody(ctx, file)
        options = {"space_id": space_id, "retention_days": retention, "idempotency_key": idempotency_key}
        answer = await run_in_threadpool(_submit, ctx, me, body, options)
    return WireResponse(answer, status_code=202)


@router.get("")
def page(
    request: Request,
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    deployment_id: str | None = None,
    state: Annotated[str | None, Query(description="Comma list of states.")] = None,
    limit: int | None = None,
    start: str | None = None,
) -> dict[str, Any]:
    """List deployment jobs, the newest first, without their rows."""
    size = page_limit(limit)
    found = runs.page(ctx, me, space_id, limit=size, start=start, deployment_id=deployment_id, states=states_of(state))
    return resources(request, found, document.listed, size)


@router.get("/{deployment_job_id}")
def get(ctx: Ctx, me: Me, deployment_job_id: str, space_id: str | None = None, include: str | None = None) -> Response:
    """Return a deployment job. ``include`` is a comma list of the members of scoring that are wanted."""
    found = runs.details(ctx, me, space_id, deployment_job_id)
    wanted = [name.strip() for name in include.split(",")] if include else []
    return _answer(ctx, found, wanted)


@router.delete("/{deployment_job_id}", status_code=204)
def cancel(ctx: Ctx, me: Me, deployment_job_id: str, space_id: str | None = None, *, hard_delete: bool = False) -> None:
    """Cancel a deployment job; ``hard_delete`` also takes its record away."""
    runs.cancel(ctx, me, space_id, deployment_job_id, delete=hard_delete)


def states_of(text: str | None) -> list[RunState]:
    """Read a comma list of states.

    Raises:
        Invalid: one of them is no state.

    """
    known = {str(state) for state in RunState}
    names = [name.strip().lower() for name in text.split(",") if name.strip()] if text else []
    for name in names:
        if name not in known:
            raise Invalid(f"state: {name} is none of {', '.join(sorted(known))}.", field="state")
    return [RunState(name) for name in names]


def _submit(ctx: Context, me: Actor, body: DeploymentJobBody, options: dict[str, Any]) -> dict[str, Any]:
    try:
        run, spec = deployment_jobs.submit(ctx, me, body.read(**options))
    except BaseException as error:
        body.discard(error)
        raise
    if spec.inline != tuple(body.tables):
        # The same request came before; its rows were kept then.
        body.discard()
    return document.listed(run)


def _answer(ctx: Context, found: RunDetails, include: list[str]) -> Response:
    parts = document.streamed(ctx, found, include=include)
    tables = [*found.spec.inline, *(found.result.predictions if found.result else ())]
    if any(table.content_key for table in tables):
        return StreamingResponse(parts, media_type=_JSON)
    return Response(b"".join(parts), media_type=_JSON)

"""`/ml/v4/deployments/{id}/preview`: the first rows of an input, before there is a job of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, Request, Response
from starlette.concurrency import run_in_threadpool

from gristmill.api.envelope import WireResponse
from gristmill.api.ml_v4 import deployment_job_document as document
from gristmill.api.ml_v4.deployment_job_body import DeploymentJobBody
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.upload import spooled
from gristmill.domain.preview import read_row_limit
from gristmill.domain.user import Actor
from gristmill.service import previews
from gristmill.service.context import Context

router = Router(prefix="/ml/v4/deployments", tag="deployments")


@router.post("/{deployment_id}/preview", status_code=202)
async def create(
    request: Request,
    ctx: Ctx,
    me: Me,
    deployment_id: str,
    space_id: str | None = None,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> Response:
    """Run the first ``row_limit`` rows (20, at most 1000) of a scoring section's input.

    The answer is a deployment job like any other; its ``scoring`` gets ``predictions`` and ``preview``.
    """
    options: dict[str, Any] = {
        "space_id": space_id,
        "idempotency_key": idempotency_key,
        "deployment_id": deployment_id,
    }
    async with spooled(request) as file:
        body = DeploymentJobBody(ctx, file)
        answer = await run_in_threadpool(_submit, ctx, me, body, options)
    return WireResponse(answer, status_code=202)


def _submit(ctx: Context, me: Actor, body: DeploymentJobBody, options: dict[str, Any]) -> dict[str, Any]:
    try:
        new = body.read(**options)
        run, spec = previews.submit(ctx, me, new, row_limit=read_row_limit(body.envelope.get("row_limit")))
    except BaseException as error:
        body.discard(error)
        raise
    if spec.inline != tuple(body.tables):
        # The same request came before; its rows were kept then.
        body.discard()
    return document.listed(run)

"""`/metrics`: for Prometheus, by the token that is set for it, or by an administrator's."""

from __future__ import annotations

import hmac

from fastapi import Request, Response

from gristmill.api.router import Router
from gristmill.api.session import Ctx, actor
from gristmill.domain.user import Actor
from gristmill.service import metrics

router = Router(tag="Service")
_PROMETHEUS = Actor(user_id="prometheus", user_name="prometheus", administrator=True)
"""Whoever brings the token of `GRISTMILL_METRICS_TOKEN`: it opens this route and no other."""


@router.get("/metrics", include_in_schema=False)
def scrape(request: Request, ctx: Ctx) -> Response:
    """Tell what Prometheus asks."""
    asker = _PROMETHEUS if _brings_the_token(request) else actor(request)
    body, media_type = metrics.exposed(ctx, asker, request.headers.get("accept"))
    return Response(body, media_type=media_type)


def _brings_the_token(request: Request) -> bool:
    token: str | None = request.app.state.metrics_token
    brought = request.headers.get("authorization", "").removeprefix("Bearer ")
    return token is not None and hmac.compare_digest(brought.encode(), token.encode())

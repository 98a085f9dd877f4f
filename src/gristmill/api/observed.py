"""What is kept of every request: its id, its span, how long it took, and how it was answered."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gristmill.telemetry import metrics
from gristmill.telemetry.meters import Meters
from gristmill.telemetry.scope import begin_request
from gristmill.telemetry.traces import Span, Traces, read_traceparent

_ID_HEADER = "X-Request-Id"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_FAILED_FROM = 500
_NO_TRACES = Traces()
_ASKED_AGAIN_AND_AGAIN = frozenset({"/healthz", "/readyz", "/metrics"})
_log = logging.getLogger("gristmill.api")


class Observed:
    """ASGI middleware, the outermost: takes the client's ``X-Request-Id`` or makes one, and answers with it.

    The span of a request is beneath the client's ``traceparent``; that of a run beneath the request that made it.
    """

    def __init__(self, app: ASGIApp, meters: Meters, traces: Traces) -> None:
        self._app = app
        self._meters = meters
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = _id_of(headers)
        span = self._span(scope, headers, request_id)
        begin_request(request_id, span.traceparent)
        # What raises is answered so, further out.
        status = 500

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_ID_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, told)
        finally:
            self._note(scope, span, status, seconds=time.perf_counter() - begun)

    def _span(self, scope: Scope, headers: Headers, request_id: str) -> Span:
        parent = read_traceparent(headers.get("traceparent"))
        # Who asks every few seconds would bury the others.
        traces = _NO_TRACES if scope["path"] in _ASKED_AGAIN_AND_AGAIN else self._traces
        return traces.begin("request", parent=parent, attributes={"gristmill.request.id": request_id})

    def _note(self, scope: Scope, span: Span, status: int, *, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        # Never the path itself: it would make a series of each thing that there is.
        route = getattr(scope.get("route"), "path", "none")
        named = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        failed = f"status {status}" if status >= _FAILED_FROM else None
        span.end(name=f"{method} {route}", failed=failed, attributes=named)
        self._meters.count(metrics.HTTP_REQUESTS, method, route, str(status))
        self._meters.observe(metrics.HTTP_SECONDS, seconds, method, route)
        answered = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        _log.debug("request.answered", extra=answered)


def _id_of(headers: Headers) -> str:
    brought = headers.get(_ID_HEADER, "")
    return brought if _ID.fullmatch(brought) else uuid.uuid4().hex

"""Refusals on the wire: one dictionary from the branches of the error tree to HTTP statuses."""

from __future__ import annotations

import logging
import uuid

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gristmill.api.envelope import WireResponse
from gristmill.api.session import act_of, context
from gristmill.content.content import ContentUnreachable
from gristmill.domain.errors import (
    Busy,
    Conflict,
    Forbidden,
    GristmillError,
    Invalid,
    LockedOut,
    NoRoom,
    NotFound,
    TooLarge,
    Unauthenticated,
)
from gristmill.service import audit
from gristmill.telemetry.scope import request_id

STATUSES: dict[type[GristmillError], int] = {
    TooLarge: 413,
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Busy: 429,
    NoRoom: 507,
}
_log = logging.getLogger("gristmill.api")


def install(app: FastAPI) -> None:
    """Make every refusal of the app answer in the wire's error shape."""
    app.add_exception_handler(GristmillError, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _no_such_route)
    app.add_exception_handler(ContentUnreachable, _no_content)
    app.add_exception_handler(OSError, _not_written)
    app.add_exception_handler(Exception, _broken)


def refusal(status: int, code: str, message: str, *, field: str | None = None) -> WireResponse:
    """Return ``{trace, errors: [{code, message, target?}], status_code}``; ``trace`` is the request's id."""
    error: dict[str, object] = {"code": code, "message": message}
    if field:
        error["target"] = {"type": "field", "name": field}
    trace = request_id() or uuid.uuid4().hex
    return WireResponse({"trace": trace, "errors": [error], "status_code": str(status)}, status_code=status)


def status_of(error: GristmillError) -> int:
    """Return the status of the error's nearest branch."""
    return next(status for kind in type(error).__mro__ for known, status in STATUSES.items() if kind is known)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GristmillError)
    if isinstance(error, NoRoom):
        _log.error("request.no_room", extra={"path": request.url.path})
    act = act_of(request)
    if isinstance(error, Forbidden) and act and act.action and act.actor:
        audit.refused(context(request), act, path=request.url.path)
    answer = refusal(status_of(error), error.code, error.message, field=error.field)
    if isinstance(error, LockedOut | Busy):
        answer.headers["Retry-After"] = str(error.retry_seconds)
    return answer


def _not_valid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = [str(part) for part in first["loc"] if part not in {"body", "query", "path"}]
    name = ".".join(where) or "body"
    return refusal(400, "invalid_request", f"{name}: {first['msg']}.", field=name)


def _no_such_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "no_such_route", 405: "method_not_allowed"}.get(error.status_code, "refused")
    return refusal(error.status_code, code, f"{request.method} {request.url.path}: {error.detail}.")


def _no_content(request: Request, error: Exception) -> Response:
    _log.error("content.unreachable", extra={"path": request.url.path, "reason": str(error)})
    return refusal(503, "content_unreachable", "The content store does not answer or refuses. Repeat this later.")


def _not_written(request: Request, error: Exception) -> Response:
    if not NoRoom.is_told_by(error):
        raise error
    return _refused(request, NoRoom())


def _broken(request: Request, error: Exception) -> Response:
    # The clients repeat a request that is answered 5xx, so this must stay what it says: our fault, nothing done.
    _log.exception("request.broken", exc_info=error, extra={"path": request.url.path})
    answer = refusal(500, "internal_error", "Gristmill failed at this request; its log says why.")
    # The server closes this connection now; a client that was not told so sends the next request into it.
    answer.headers["Connection"] = "close"
    answer.headers["X-Request-Id"] = request_id() or ""
    return answer

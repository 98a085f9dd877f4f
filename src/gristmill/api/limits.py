"""Bounds on request bodies: told from the length where it is announced, counted while it streams where it is not."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gristmill.api.errors import refusal
from gristmill.service.context import Limits

_INLINE = re.compile(r"(POST|PUT|PATCH) /ml/v4/deployment_job(s|_definitions)(/.*)?")
_UPLOAD = re.compile(
    r"PUT /(ml/v4/(models|functions)/[^/]+/(content|code)|signed/.*|v2/asset_files/.*)|POST /v2/asset_imports"
)
# A client that is still sending does not read. It gets this much time and room to finish, and then the connection ends.
_DRAINED_BYTES = 64 * 1024**2
_DRAINED_SECONDS = 5.0


def limit_of(limits: Limits, method: str, path: str) -> tuple[str, int]:
    """Return which setting bounds the bodies of a route, and by how many bytes."""
    match f"{method} {path}":
        case route if _UPLOAD.fullmatch(route):
            return "GRISTMILL_MAX_UPLOAD_BYTES", limits.upload_bytes
        case route if _INLINE.fullmatch(route):
            return "GRISTMILL_MAX_INLINE_BYTES", limits.inline_bytes
        case _:
            return "GRISTMILL_MAX_BODY_BYTES", limits.body_bytes


class BodyLimits:
    """ASGI middleware: answers 413 to a body over its route's limit, if it can before anything of it is read."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        setting, limit = limit_of(self._limits, scope["method"], scope["path"])
        headers = Headers(scope=scope)
        if _announced(headers) > limit:
            may_drain = headers.get("expect", "").lower() != "100-continue"
            await _refuse(setting, limit, receive, send, may_drain=may_drain)
            return
        exchange = _Exchange(limit=limit, receive_next=receive, send_next=send)
        # The app usually answers the exception itself; that answer was not sent, so that both cases end the same.
        with suppress(_TooLong):
            await self._app(scope, exchange.receive, exchange.send)
        if exchange.exceeded and not exchange.started:
            await _refuse(setting, limit, receive, send, may_drain=True)


@dataclass
class _Exchange:
    """One request and its answer, counted. After the limit is passed, the app's own answer is not sent."""

    limit: int
    receive_next: Receive
    send_next: Send
    received: int = 0
    exceeded: bool = False
    started: bool = False

    async def receive(self) -> Message:
        message = await self.receive_next()
        self.received += len(message.get("body", b""))
        if self.received > self.limit:
            self.exceeded = True
            raise _TooLong
        return message

    async def send(self, message: Message) -> None:
        if self.exceeded and not self.started:
            return
        self.started = True
        await self.send_next(message)


class _TooLong(HTTPException):
    """Passes through whatever reads the body, as an answer that the routes' own code need not know."""

    def __init__(self) -> None:
        super().__init__(413, "the body is too long")


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


async def _refuse(setting: str, limit: int, receive: Receive, send: Send, *, may_drain: bool) -> None:
    message = f"The body is larger than {limit} bytes, the limit of this route. An administrator may raise {setting}."
    answer = refusal(413, "body_too_large", message)
    body = bytes(answer.body)
    headers = [*answer.raw_headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if may_drain:
        with suppress(TimeoutError):
            await asyncio.wait_for(_drain(receive), _DRAINED_SECONDS)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    drained = 0
    while drained < _DRAINED_BYTES:
        message = await receive()
        drained += len(message.get("body", b""))
        if not message.get("more_body"):
            return

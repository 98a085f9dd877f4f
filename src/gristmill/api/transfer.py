"""How JSON answers travel: with an entity tag, so that what has not changed is not sent again, and compressed."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import MutableMapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COMPRESSED_FROM = 2_000
"""Bytes; a smaller answer fits into two packets or so."""
_ASIDE_FROM = 64 * 1024
"""Bytes; what takes longer than a millisecond is done in a thread."""
_LEVEL = 4


class Transfer:
    """ASGI middleware over the JSON answers to GET that are sent in one piece; all others pass as they are.

    Answers that must not be stored (``no-store``) pass too: what holds a secret is never compressed together with
    what a stranger may have put in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Answer(Headers(scope=scope), send).send)


class _Answer:
    """One answer: held until its body shows whether it is whole."""

    def __init__(self, asked: Headers, send: Send) -> None:
        self._asked, self._send = asked, send
        self._start: MutableMapping[str, Any] | None = None

    async def send(self, message: Message) -> None:
        """Take a message of the application."""
        if message["type"] == "http.response.start" and _is_ours(message):
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await self._whole(start, message.get("body", b""))
                return
            await self._send(start)
        await self._send(message)

    async def _whole(self, start: Message, body: bytes) -> None:
        headers = MutableHeaders(raw=list(start["headers"]))
        # Weak: compressed or not, it says the same.
        tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers["ETag"] = tag
        headers.setdefault("Cache-Control", "private, no-cache")
        headers.add_vary_header("Accept-Encoding")
        if tag in self._asked.get("if-none-match", ""):
            del headers["Content-Length"], headers["Content-Type"]
            start["status"], body = 304, b""
        elif len(body) >= _COMPRESSED_FROM and "gzip" in self._asked.get("accept-encoding", ""):
            aside = len(body) >= _ASIDE_FROM
            body = await run_in_threadpool(_packed, body) if aside else _packed(body)
            headers["Content-Encoding"], headers["Content-Length"] = "gzip", str(len(body))
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _is_ours(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    plain = "content-encoding" not in headers and "no-store" not in headers.get("cache-control", "")
    return start["status"] == 200 and plain and headers.get("content-type", "").startswith("application/json")


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)

"""The router of every resource: what holds for all routes stands here, and so they are whole once they are defined."""

from __future__ import annotations

from fastapi import APIRouter

from gristmill.api.envelope import WireResponse


class Router(APIRouter):
    """Routes below one prefix. An application takes them as they are.

    FastAPI's own way, `include_router`, makes each of the two hundred again when it is first asked for: half a second
    in which the first requests of a server wait.
    """

    def __init__(self, *, prefix: str = "", tag: str) -> None:
        super().__init__(
            prefix=prefix,
            tags=[tag],
            default_response_class=WireResponse,
            # Clients send JSON without saying so. No page of another site can lure a browser into that: tokens are in
            # a header, and what brings the console's cookie must come from here (`cookie.py`).
            strict_content_type=False,
        )

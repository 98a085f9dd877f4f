"""How answers look on the wire: pretty-printed JSON, ISO times with Z, and pages with absolute links."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from fastapi import Request
from fastapi.responses import JSONResponse

from gristmill.domain.page import DEFAULT_LIMIT, MAX_LIMIT, Page

T = TypeVar("T")


class WireResponse(JSONResponse):
    """One key a line, ``"key": value`` with a space: shell scripts of the original's users read it with grep."""

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - any JSON
        """Return the body. A number that JSON does not have (NaN, infinity) becomes null."""
        try:
            return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
        except TypeError:
            # Integers of more than 64 bits and half surrogates, which people's documents may have.
            return json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False).encode()


def instant(moment: datetime | None) -> str:
    """Return ``2026-11-22T08:35:44.396Z``; the wire shows a time that is not yet there as an empty string."""
    if moment is None:
        return ""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: datetime) -> int:
    """Return the epoch in milliseconds."""
    return int(moment.timestamp() * 1000)


def without_none(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out members that are None: the clients break on null where they expect absence."""
    return {name: value for name, value in document.items() if value is not None}


def page_limit(limit: int | None, *, most: int = MAX_LIMIT) -> int:
    """Bound the page size that the client asked for."""
    return max(1, min(limit or DEFAULT_LIMIT, most))


def resources(request: Request, page: Page[T], envelope: Callable[[T], dict[str, Any]], limit: int) -> dict[str, Any]:
    """Return the ML family's page. ``next.href`` carries the whole query and is absolute, or is left out."""
    answer: dict[str, Any] = {
        "limit": limit,
        "first": {"href": str(public_url(request).remove_query_params(["start"]))},
        "resources": [envelope(item) for item in page.items],
    }
    if page.total is not None:
        answer["total_count"] = page.total
    if page.next:
        answer["next"] = {"href": str(public_url(request).include_query_params(start=page.next))}
    return answer


def public_url(request: Request) -> Any:  # noqa: ANN401 - Starlette's URL
    """Return this request's URL as the client knows the server: by GRISTMILL_PUBLIC_URL where it is set."""
    base = getattr(request.app.state, "public_url", None)
    if not base:
        return request.url
    from starlette.datastructures import URL

    return URL(base.rstrip("/") + request.url.path + (f"?{request.url.query}" if request.url.query else ""))

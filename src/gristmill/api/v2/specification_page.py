"""Lists of specifications and package extensions: everything in one page, as clients expect, up to a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request

from gristmill.api.envelope import WireResponse, public_url
from gristmill.domain.page import Page

T = TypeVar("T")
MOST = 1_000


def size_of(limit: int | None) -> int:
    """Bound the page size; these clients ask for none and never turn the page."""
    return max(1, min(limit or MOST, MOST))


def answer(request: Request, page: Page[T], envelope: Callable[[T], dict[str, Any]]) -> WireResponse:
    """Return ``{total_results, resources}``, and the link to the next page where there is one."""
    document: dict[str, Any] = {"total_results": page.total, "resources": [envelope(item) for item in page.items]}
    if page.next:
        document["next"] = {"href": str(public_url(request).include_query_params(start=page.next))}
    return WireResponse(document)

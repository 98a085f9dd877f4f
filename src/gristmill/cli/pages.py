"""Lists that come in pages, in the four ways in which the wire turns them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from gristmill.cli.client import Client, Json

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Found:
    """Documents of a list; ``more`` tells that it has others."""

    items: list[Any]
    more: bool = False


def resources(client: Client, path: str, *, limit: int, **params: object) -> Found:
    """Return a list whose pages link to the next one by ``next.href``."""

    def turn(start: Any, size: int) -> tuple[list[Json], Any]:  # noqa: ANN401 - the mark of a page
        page = client.get(path, **params, limit=size, start=start)
        link = (page.get("next") or {}).get("href", "")
        return page["resources"], parse_qs(urlsplit(link).query).get("start", [None])[0]

    return _turned(turn, limit)


def results(client: Client, path: str, *, limit: int, **params: object) -> Found:
    """Return a list of the jobs API, which hands out an object to send back as JSON text."""

    def turn(mark: Any, size: int) -> tuple[list[Json], Any]:  # noqa: ANN401 - the mark of a page
        page = client.get(path, **params, limit=size, next=json.dumps(mark) if mark else None)
        return page["results"], page.get("next")

    return _turned(turn, limit)


def marked(client: Client, path: str, *, limit: int, **params: object) -> Found:
    """Return a list whose pages give the mark of the next one as ``next``."""

    def turn(mark: Any, size: int) -> tuple[list[Json], Any]:  # noqa: ANN401 - the mark of a page
        page = client.get(path, **params, limit=size, start=mark)
        return page["results"], page["next"]

    return _turned(turn, limit)


def search(client: Client, asset_type: str, *, space_id: str, limit: int, query: str = "*:*") -> Found:
    """Return the assets that the query finds; the wire gives the whole body of the request for the next page."""

    def turn(body: Any, size: int) -> tuple[list[Json], Any]:  # noqa: ANN401 - the mark of a page
        asked = {"query": query, "limit": size, "sort": "-asset.created_at"}
        page = client.post(f"/v2/asset_types/{asset_type}/search", body or asked, space_id=space_id)
        return page["results"], page.get("next")

    return _turned(turn, limit)


def _turned(turn: Callable[[Any, int], tuple[list[Json], Any]], limit: int) -> Found:
    items: list[Json] = []
    mark: Any = None
    while True:
        found, mark = turn(mark, min(limit - len(items), _PAGE))
        items += found
        if len(items) >= limit or not mark or not found:
            return Found(items[:limit], more=bool(mark) or len(items) > limit)

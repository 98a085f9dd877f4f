"""The search over the assets of a space."""

from __future__ import annotations

from dataclasses import dataclass

from gristmill.domain import search_query
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.asset_access import AssetWithAttachments, shown
from gristmill.service.context import Context
from gristmill.store import asset_search, attachments


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What the wire asks. ``type`` may be ``asset``: any type."""

    type: str
    query: object = "*:*"
    sort: object = None
    limit: int
    bookmark: str | None = None
    with_attachments: bool = False


def search(context: Context, actor: Actor, space_id: str | None, wanted: Search) -> Page[AssetWithAttachments]:
    """Return a page of assets without the trash, and how many there are in all.

    Raises:
        Invalid: the query, sort or bookmark is not understood.

    """
    terms, sort = search_query.parse(wanted.query), search_query.sort_column(wanted.sort)
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        page = asset_search.search(
            connection, space.id, wanted.type, terms, sort=sort, limit=wanted.limit, start=wanted.bookmark
        )
        ids = [asset.id for asset in page.items] if wanted.with_attachments else []
        found = attachments.of_assets(connection, ids)
    items = [AssetWithAttachments(shown(asset), tuple(found.get(asset.id, ()))) for asset in page.items]
    return Page(items=items, next=page.next, total=page.total)

"""`/v2/notifications`: my inbox. An extension of the wire."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from gristmill.api.envelope import instant, page_limit, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.jobs import listed, start_of
from gristmill.domain import message
from gristmill.service import inbox
from gristmill.service.inbox import InboxEntry

router = Router(prefix="/v2/notifications", tag="Notifications")


@router.get("")
def page(
    ctx: Ctx,
    me: Me,
    unread: bool = False,
    limit: int | None = None,
    mark: Annotated[str | None, Query(alias="next")] = None,
) -> dict[str, Any]:
    """List my inbox, the newest first; with ``unread=true`` only what I have not read."""
    size = page_limit(limit)
    found, number = inbox.page(ctx, me, limit=size, start=start_of(mark), unread=unread)
    answer = listed(found.total, [_document(entry) for entry in found.items], found.next, size)
    return {**answer, "unread_count": number}


@router.post("/read_all")
def read_all(ctx: Ctx, me: Me) -> dict[str, Any]:
    """Mark everything as read; the answer says how much that was."""
    return {"read": inbox.read_all(ctx, me)}


@router.post("/{event_id}/read")
def read(ctx: Ctx, me: Me, event_id: str) -> dict[str, Any]:
    """Mark one as read."""
    return _document(inbox.read(ctx, me, event_id))


def _document(entry: InboxEntry) -> dict[str, Any]:
    event = entry.event
    return without_none(
        {
            "event_id": event.id,
            "kind": str(event.kind),
            "title": message.title(event),
            "text": message.text(event),
            "created_at": instant(event.at),
            "read": entry.read_at is not None,
            "read_at": instant(entry.read_at) or None,
            "space_id": event.space_id,
            "job_id": event.job_id,
            "run_id": event.run_id,
            "document": event.told,
        }
    )

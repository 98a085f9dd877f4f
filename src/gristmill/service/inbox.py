"""A user's own inbox."""

from __future__ import annotations

from gristmill.domain.errors import NotFound
from gristmill.domain.page import Page
from gristmill.domain.user import Actor
from gristmill.service import events
from gristmill.service.context import Context
from gristmill.store import inbox
from gristmill.store.inbox import InboxEntry as InboxEntry


def page(
    context: Context, actor: Actor, *, limit: int, start: str | None = None, unread: bool = False
) -> tuple[Page[InboxEntry], int]:
    """List the actor's inbox, the newest first; with the number of all that are unread.

    What happened and was not routed yet is routed first: who has just read that a run failed finds it here.
    """
    events.route(context)
    with context.database.snapshot() as connection:
        found = inbox.page(connection, actor.user_id, limit=limit, start=start, unread=unread)
        return found, inbox.unread_count(connection, actor.user_id)


def read(context: Context, actor: Actor, event_id: str) -> InboxEntry:
    """Note that the actor has read an event; reading it again changes nothing.

    Raises:
        NotFound: it is not in the actor's inbox.

    """
    with context.database.transaction() as connection:
        inbox.mark_read(connection, actor.user_id, context.now(), event_id=event_id)
        entry = inbox.get(connection, actor.user_id, event_id)
    if entry is None:
        raise NotFound(f"There is no notification {event_id} in your inbox.", code="notification_not_found")
    return entry


def read_all(context: Context, actor: Actor) -> int:
    """Note that the actor has read everything; returns how many were unread until now."""
    with context.database.transaction() as connection:
        return inbox.mark_read(connection, actor.user_id, context.now())

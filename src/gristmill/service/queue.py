"""The queue, for administrators."""

from __future__ import annotations

from gristmill.domain.page import Page
from gristmill.domain.queue import LaneLoad
from gristmill.domain.user import Actor
from gristmill.service.access import administrators_only
from gristmill.service.context import Context
from gristmill.store import queue


def page(context: Context, actor: Actor, *, limit: int, start: str | None = None) -> Page[LaneLoad]:
    """List the lanes of all spaces in which something waits or works.

    Raises:
        Forbidden: the actor is no administrator.

    """
    administrators_only(actor)
    with context.database.snapshot() as connection:
        return queue.page(connection, limit=limit, start=start)

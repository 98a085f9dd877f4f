"""Looking for something across all spaces that one sees."""

from __future__ import annotations

from collections.abc import Sequence

from gristmill.domain.found import Found
from gristmill.domain.user import Actor
from gristmill.service.context import Context
from gristmill.store import finds

_MOST_OF_A_KIND = 8


def find(context: Context, actor: Actor, text: str) -> Sequence[Found]:
    """Return jobs, runs, deployments and assets whose name holds the text, or whose id it is."""
    with context.database.snapshot() as connection:
        return finds.find(connection, actor.user_id, text.strip(), limit=_MOST_OF_A_KIND)

"""The janitor: purges what was deleted while runs were still at work, and the bytes that nothing refers to."""

from __future__ import annotations

from gristmill.service import purge
from gristmill.service.context import Context


class Janitor:
    """Works in bounded batches; a crash between any two lines leaves the rest for the next step."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def step(self) -> int:
        """Do one batch of each; return how much was done."""
        return (
            purge.deleted_deployments(self._context)
            + purge.deleted_spaces(self._context)
            + purge.loose_contents(self._context)
        )

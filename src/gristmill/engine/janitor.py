"""The janitor: purges what was deleted while runs were still at work, and the bytes that nothing refers to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gristmill.service import purge
from gristmill.service.context import Context

_DRAFTS_EVERY = timedelta(hours=1)
_DRAFT_SECONDS = 24 * 3600.0


class Janitor:
    """Works in bounded batches; a crash between any two lines leaves the rest for the next step."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._drafts_at = datetime.min.replace(tzinfo=UTC)

    def step(self) -> int:
        """Do one batch of each; return how much was done."""
        if self._context.now() >= self._drafts_at:
            self._drafts_at = self._context.now() + _DRAFTS_EVERY
            self._context.content.discard_drafts(older_than_seconds=_DRAFT_SECONDS)
        return (
            purge.deleted_deployments(self._context)
            + purge.deleted_jobs(self._context)
            + purge.deleted_spaces(self._context)
            + purge.loose_contents(self._context)
        )

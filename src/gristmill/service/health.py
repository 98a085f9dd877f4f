"""Whether this server can serve."""

from __future__ import annotations

from gristmill.service.context import Context
from gristmill.store import health


def ready(context: Context) -> bool:
    """Whether the database answers."""
    return health.trouble(context.database) is None


def was_away(error: Exception) -> bool:
    """Tell whether a use case failed because the database did not answer."""
    return health.was_away(error)

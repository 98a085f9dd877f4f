"""Whether this server can serve."""

from __future__ import annotations

from gristmill.service.context import Context
from gristmill.store import health


def ready(context: Context) -> bool:
    """Whether the database answers."""
    return health.trouble(context.database) is None

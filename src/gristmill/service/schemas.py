"""Whether the database still has the schema of this version."""

from __future__ import annotations

from gristmill.service.context import Context
from gristmill.store import migrate


def newer(context: Context) -> str | None:
    """Return the revision of a schema that a newer version has made since; None where this one knows it."""
    return migrate.newer(context.database)

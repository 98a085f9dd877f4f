"""Storage, for administrators: what takes how much room, and how long the disk lasts where it lies on one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import timedelta

from gristmill.domain.storage import GROWTH_DAYS, ContentSize, StorageUse
from gristmill.domain.user import Actor
from gristmill.service.access import administrators_only
from gristmill.service.context import Context
from gristmill.store import storage as store

_MEASURED = 1_000
"""Of how many pieces the files are looked at; the rest is reckoned from them."""


def look(context: Context, actor: Actor) -> StorageUse:
    """Tell what takes how much room.

    Raises:
        Forbidden: the actor is no administrator.

    """
    administrators_only(actor)
    since = context.now() - timedelta(days=GROWTH_DAYS)
    with context.database.snapshot() as connection:
        contents = store.of_assets(connection)
        recent = store.came_since(connection, since)
        of_exports = store.of_exports(connection, limit=_MEASURED)
        of_runs = store.of_runs(connection, limit=_MEASURED)
        recent_runs = store.of_runs_since(connection, since, limit=_MEASURED)
    disk = shutil.disk_usage(context.content.disk) if context.content.disk else None
    return StorageUse(
        contents=[*contents, _measured(context, "export", *of_exports), _measured(context, "run", *of_runs)],
        place=context.content.place,
        disk_total=disk.total if disk else None,
        disk_free=disk.free if disk else None,
        recent=recent + _measured(context, "run", *recent_runs).size,
    )


def _measured(context: Context, kind: str, number: int, keys: Sequence[str]) -> ContentSize:
    size = sum(context.content.size(key) for key in keys)
    reckoned = size * number // len(keys) if keys else 0
    return ContentSize(kind=kind, number=number, size=reckoned, exact=number == len(keys))

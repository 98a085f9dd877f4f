"""Workers that offer to run things."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gristmill.domain.capacity import Capacity
from gristmill.domain.user import Actor
from gristmill.domain.worker import WorkerLoad
from gristmill.service.access import administrators_only
from gristmill.service.context import Context
from gristmill.store import workers

_MOST_LISTED = 500


def register(
    context: Context,
    *,
    host: str,
    pid: int,
    slots: int,
    offers: Capacity | None = None,
    labels: Sequence[str] = (),
    environments: Sequence[str] = (),
) -> str:
    """Add a worker under a new id: a restarted one is another one, whatever its host and process number."""
    worker_id, now = context.new_id(), context.now()
    with context.database.transaction() as connection:
        workers.create(
            connection,
            worker_id,
            host=host,
            pid=pid,
            slots=slots,
            offers=offers,
            now=now,
            labels=labels,
            environments=environments,
        )
    return worker_id


def seen(context: Context, worker_id: str, *, offers: Capacity | None = None) -> None:
    """Note that a worker lives, with what it ``offers`` by now, and forget those that have been silent for a day."""
    now = context.now()
    with context.database.transaction() as connection:
        workers.seen(connection, worker_id, now, offers=offers)
        workers.remove_silent(connection, before=now - timedelta(days=1))


def leave(context: Context, worker_id: str) -> None:
    """Take a worker off the list when it stops."""
    with context.database.transaction() as connection:
        workers.remove(connection, worker_id)


def list_all(context: Context, actor: Actor) -> list[WorkerLoad]:
    """List the workers that were heard of within a day.

    Raises:
        Forbidden: the actor is no administrator.

    """
    administrators_only(actor)
    with context.database.snapshot() as connection:
        return workers.loads(connection, now=context.now(), limit=_MOST_LISTED)

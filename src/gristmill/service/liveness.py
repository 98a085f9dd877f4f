"""Whether anybody is at work: nothing is worse than a calm page over a dead scheduler."""

from __future__ import annotations

from gristmill.domain.worker import Liveness
from gristmill.service.context import Context
from gristmill.store import heartbeats

_SCHEDULER = "scheduler"


def scheduler_beat(context: Context) -> None:
    """Note that a scheduler is at work."""
    with context.database.transaction() as connection:
        heartbeats.beat(connection, _SCHEDULER, context.now())


def look(context: Context) -> Liveness:
    """Tell when a scheduler and a worker were last heard of."""
    with context.database.snapshot() as connection:
        return Liveness(
            now=context.now(),
            scheduler_seen_at=heartbeats.seen_at(connection, _SCHEDULER),
            workers_seen_at=heartbeats.worker_seen_at(connection),
        )

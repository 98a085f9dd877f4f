"""The counts of runs that lists show: folded where writers scattered them, and held against the runs themselves."""

from __future__ import annotations

from gristmill.service.context import Context
from gristmill.store import run_counts


def fold(context: Context, *, limit: int) -> None:
    """Fold what writers have scattered, so that a sum stays a short one."""
    with context.database.snapshot() as connection:
        if not run_counts.scattered(connection):
            return
    with context.database.transaction() as connection:
        run_counts.fold(connection, limit=limit)


def repair_some(context: Context, *, after: str, limit: int) -> tuple[str, int]:
    """Check the counts of the next jobs; returns where to go on, and how many counts were wrong."""
    # Counted without the lock that SQLite gives to one writer only: a job may have a million runs.
    with context.database.snapshot() as connection:
        mark, wrong = run_counts.wrong_some(connection, after=after, limit=limit)
    if not wrong:
        return mark, 0
    with context.database.transaction() as connection:
        return mark, run_counts.repair(connection, wrong)

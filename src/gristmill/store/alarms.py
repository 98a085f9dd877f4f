"""Runs that have waited or worked for longer than their job has patience."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from gristmill.store import run_events
from gristmill.store import runs as run_store
from gristmill.store.database import Connection
from gristmill.store.schema import runs


def any_due(connection: Connection, now: datetime) -> bool:
    """Tell whether an alarm is due."""
    return connection.execute(select(runs.c.id).where(runs.c.alarm_at <= now).limit(1)).first() is not None


def sound(connection: Connection, now: datetime, *, limit: int) -> int:
    """Record an event for each run whose alarm is due, and turn the alarm off; returns how many were due."""
    query = select(runs.c.id).where(runs.c.alarm_at <= now).order_by(runs.c.alarm_at).limit(limit)
    run_ids = list(connection.execute(query.with_for_update(skip_locked=True)).scalars())
    for run_id in run_ids:
        run_events.alarm(connection, run_id, now=now)
    run_store.clear_alarms(connection, run_ids)
    return len(run_ids)

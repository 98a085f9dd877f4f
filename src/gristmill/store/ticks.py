"""Ticks of schedules: which jobs have one due, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select

from gristmill.domain.disposition import DecidedTick, Disposition
from gristmill.domain.run import ACTIVE, RunState
from gristmill.store.database import Connection
from gristmill.store.rows import values_of
from gristmill.store.schema import jobs, runs, ticks


def due(connection: Connection, *, now: datetime, limit: int) -> list[str]:
    """Return the jobs whose next tick has come, the longest due first."""
    query = select(jobs.c.id).where(jobs.c.next_tick_at <= now, jobs.c.deleted_at.is_(None))
    return list(connection.execute(query.order_by(jobs.c.next_tick_at).limit(limit)).scalars())


def lock(connection: Connection, job_id: str) -> None:
    """Keep other schedulers from deciding this job's ticks until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(jobs.c.id).where(jobs.c.id == job_id).with_for_update())


def known(connection: Connection, job_id: str, moments: Sequence[datetime]) -> set[datetime]:
    """Return which of these ticks have been decided before, whatever the job's own row says."""
    query = select(ticks.c.scheduled_for).where(ticks.c.job_id == job_id, ticks.c.scheduled_for.in_(moments))
    return set(connection.execute(query).scalars())


def decide(connection: Connection, decided: Sequence[DecidedTick]) -> None:
    """Write down what became of ticks."""
    if decided:
        connection.execute(insert(ticks), [values_of(tick, ticks) for tick in decided])


def page(connection: Connection, job_id: str, *, limit: int) -> list[DecidedTick]:
    """Return the newest decided ticks of a job."""
    query = select(ticks).where(ticks.c.job_id == job_id).order_by(ticks.c.scheduled_for.desc()).limit(limit)
    rows = connection.execute(query).mappings()
    return [DecidedTick(**{**row, "disposition": Disposition(row["disposition"])}) for row in rows]


def unfinished(connection: Connection, job_id: str) -> list[str]:
    """Return the runs of a job that wait or work."""
    states = sorted([*ACTIVE, RunState.QUEUED])
    return list(
        connection.execute(select(runs.c.id).where(runs.c.job_id == job_id, runs.c.state.in_(states))).scalars()
    )

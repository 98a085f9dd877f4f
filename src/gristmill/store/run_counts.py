"""How many visible runs there are, by job and state: kept by triggers, exact in every snapshot, never counted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    delete,
    func,
    literal,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from gristmill.domain.run import RunState
from gristmill.store.database import Connection
from gristmill.store.schema import jobs, run_counts, runs

_ONE_AT_A_TIME = 4_711_2027
"""An arbitrary number that whoever corrects counts locks on PostgreSQL: two would correct the same thing twice."""


def total(connection: Connection, space_id: str, *, job_id: str | None = None, states: Sequence[RunState] = ()) -> int:
    """Return how many visible runs a space has, or a job of it, in these states or in any."""
    where = [run_counts.c.space_id == space_id]
    where += [run_counts.c.job_id == job_id] if job_id else []
    where += [run_counts.c.state.in_([str(state) for state in states])] if states else []
    return int(connection.execute(select(func.coalesce(func.sum(run_counts.c.number), 0)).where(*where)).scalar_one())


def scattered(connection: Connection) -> bool:
    """Tell whether there are shards to fold."""
    return connection.execute(select(run_counts.c.job_id).where(run_counts.c.shard != 0).limit(1)).first() is not None


def fold(connection: Connection, *, limit: int) -> None:
    """Add up to ``limit`` shards to the rows of shard 0. Only PostgreSQL has any.

    Shards that a writer or somebody else who folds has locked are left for the next time; nobody who holds a lock here
    waits for a writer, and shard 0 is written in order, so nothing can deadlock.
    """
    key = [run_counts.c.job_id, run_counts.c.state, run_counts.c.shard]
    found = select(*key).where(run_counts.c.shard != 0).order_by(run_counts.c.job_id).limit(limit)
    locked = found.with_for_update(skip_locked=True).cte("locked")
    these = and_(*(column == locked.c[column.name] for column in key))
    gone = delete(run_counts).where(these).returning(run_counts).cte("gone")
    groups = (gone.c.job_id, gone.c.state)
    sums = select(*groups, literal(0), func.max(gone.c.space_id), func.sum(gone.c.number))
    _add(connection, sums.group_by(*groups).order_by(*groups))


def wrong_some(connection: Connection, *, after: str, limit: int) -> tuple[str, list[str]]:
    """Count the runs of the next jobs after an id; return the last id ('' at the end) and the jobs with wrong counts.

    Rows that a job left behind, which is gone itself, are wrong too.
    """
    jobs_after = select(jobs.c.id.label("id")).where(jobs.c.id > after).order_by(jobs.c.id).limit(limit)
    counted = select(run_counts.c.job_id.label("id")).where(run_counts.c.job_id > after).distinct()
    both = union(select(jobs_after.subquery()), select(counted.order_by("id").limit(limit).subquery())).subquery()
    ids = list(connection.execute(select(both.c.id).order_by(both.c.id).limit(limit)).scalars())
    left = select(run_counts.c.job_id).where(run_counts.c.job_id.in_(ids), _of_no_job())
    wrong = {row.job_id for row in connection.execute(_drift(ids))} | set(connection.execute(left).scalars())
    return (ids[-1] if len(ids) == limit else ""), sorted(wrong)


def repair(connection: Connection, job_ids: Sequence[str]) -> int:
    """Set the counts of these jobs to what is true; returns how many were wrong.

    What is missing or too much is added: it was found in one snapshot together with the counts, so what others add or
    take at the same time stays right.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    drift = connection.execute(_drift(job_ids)).all()
    for row in drift:
        values = (row.job_id, row.state, 0, row.space_id, int(row.number))
        # SQLite reads an ON after a SELECT without WHERE as part of a join.
        _add(connection, select(*(literal(value) for value in values)).where(true()))
    left = (run_counts.c.job_id.in_(job_ids), run_counts.c.number == 0, _of_no_job())
    connection.execute(delete(run_counts).where(*left))
    return len(drift)


def _of_no_job() -> ColumnElement[bool]:
    return ~select(jobs.c.id).where(jobs.c.id == run_counts.c.job_id).exists()


def _drift(job_ids: Sequence[str]) -> Select[Any]:
    """Select by job and state how many more runs there are than were counted, where that is not 0."""
    visible = (runs.c.job_id.in_(job_ids), runs.c.deleted_at.is_(None))
    groups = (runs.c.job_id, runs.c.state)
    there = select(*groups, func.min(runs.c.space_id).label("space_id"), func.count().label("number"))
    kept = (run_counts.c.job_id, run_counts.c.state, run_counts.c.space_id, -run_counts.c.number)
    both: CompoundSelect[Any] = union_all(
        there.where(*visible).group_by(*groups), select(*kept).where(run_counts.c.job_id.in_(job_ids))
    )
    rows = both.subquery()
    number = func.sum(rows.c.number)
    columns = (rows.c.job_id, rows.c.state, func.max(rows.c.space_id).label("space_id"), number.label("number"))
    return select(*columns).group_by(rows.c.job_id, rows.c.state).having(number != 0)


def _add(connection: Connection, rows: Select[Any]) -> None:
    """Add rows to what is there; they have the table's columns, in its order."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(run_counts).from_select([column.name for column in run_counts.c], rows)
    key = ["job_id", "state", "shard"]
    more = run_counts.c.number + statement.excluded.number
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_={"number": more}))

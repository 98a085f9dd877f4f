"""Lists of deployments with their queues: bounded, however many runs there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from gristmill.domain.deployment import Deployment, DeploymentState
from gristmill.domain.page import Page
from gristmill.domain.run import ACTIVE, Run, RunState
from gristmill.store.database import Connection
from gristmill.store.deployments import COLUMNS, deployment_of
from gristmill.store.rows import page_by_time
from gristmill.store.runs import COLUMNS as RUN_COLUMNS
from gristmill.store.runs import run_of
from gristmill.store.schema import deployments, jobs, run_counts, runs

_UNFINISHED = sorted({RunState.QUEUED, *ACTIVE})


def page(
    connection: Connection, space_id: str, *, limit: int, start: str | None = None, text: str | None = None
) -> Page[Deployment]:
    """List a space's deployments, the newest first; ``text`` is looked for in their names, whatever the case."""
    where = [deployments.c.space_id == space_id, deployments.c.state != str(DeploymentState.DELETING)]
    if text:
        where.append(func.lower(deployments.c.name).contains(text.lower(), autoescape=True))
    query = select(*COLUMNS).where(*where)
    return page_by_time(connection, query, deployments, deployment_of, limit=limit, start=start, newest_first=True)


def by_state(connection: Connection, deployment_ids: Sequence[str]) -> dict[str, dict[RunState, int]]:
    """Return by deployment how many visible runs wait or are at work, by state."""
    columns = (jobs.c.deployment_id, run_counts.c.state)
    query = select(*columns, func.sum(run_counts.c.number).label("number"))
    query = query.join(jobs, jobs.c.id == run_counts.c.job_id)
    where = (jobs.c.deployment_id.in_(deployment_ids), run_counts.c.state.in_([str(each) for each in _UNFINISHED]))
    found: defaultdict[str, dict[RunState, int]] = defaultdict(dict)
    for row in connection.execute(query.where(*where).group_by(*columns)):
        found[row.deployment_id][RunState(row.state)] = int(row.number)
    return found


def oldest_waiting(connection: Connection, deployment_ids: Sequence[str]) -> dict[str, datetime]:
    """Return by deployment when the run was submitted that has waited longest."""
    queued = (runs.c.lane_id.in_(deployment_ids), runs.c.state == str(RunState.QUEUED))
    first = select(func.min(runs.c.place)).where(*queued).group_by(runs.c.lane_id)
    rows = connection.execute(select(runs.c.lane_id, runs.c.created_at).where(runs.c.place.in_(first)))
    return {row.lane_id: row.created_at for row in rows}


def jobs_of(connection: Connection, deployment_ids: Sequence[str]) -> dict[str, int]:
    """Count by deployment its jobs, its own default job among them."""
    where = (jobs.c.deployment_id.in_(deployment_ids), jobs.c.deleted_at.is_(None))
    query = select(jobs.c.deployment_id, func.count()).where(*where).group_by(jobs.c.deployment_id)
    return {deployment_id: int(number) for deployment_id, number in connection.execute(query)}


def in_lane(connection: Connection, lane_id: str, states: Sequence[RunState], *, limit: int) -> list[Run]:
    """Return the first runs of a lane in these states, in the order in which they are taken."""
    where = (runs.c.lane_id == lane_id, runs.c.state.in_([str(state) for state in states]))
    query = select(*RUN_COLUMNS).where(*where).order_by(runs.c.place).limit(limit)
    return [run_of(row) for row in connection.execute(query)]

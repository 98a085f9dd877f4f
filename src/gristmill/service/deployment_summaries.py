"""Deployments at a glance: what a page of a space's deployments shows, in one request, and the queue of one."""

from __future__ import annotations

from collections.abc import Sequence

from gristmill.domain.deployment import Deployment
from gristmill.domain.deployment_summary import DeploymentSummary, Queue
from gristmill.domain.job_summary import RECENT_RUNS
from gristmill.domain.page import Page
from gristmill.domain.run import ACTIVE, RunState
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.domain.waiting import waiting
from gristmill.domain.worker import GONE
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.service.deployments import visible
from gristmill.store import assets, run_pages
from gristmill.store import deployment_summaries as store
from gristmill.store import waiting as waiting_store
from gristmill.store.database import Connection

MOST_DEPLOYMENTS = 25
MOST_WAITING = 25


def page(
    context: Context,
    actor: Actor,
    space_id: str | None,
    *,
    limit: int,
    start: str | None = None,
    text: str | None = None,
) -> Page[DeploymentSummary]:
    """List a space's deployments, the newest first, each with its queue and its newest runs."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        found = store.page(connection, space.id, limit=min(limit, MOST_DEPLOYMENTS), start=start, text=text)
        return Page(items=_summaries(connection, found.items), next=found.next)


def one(context: Context, actor: Actor, space_id: str | None, deployment_id: str) -> DeploymentSummary:
    """Return one deployment as the list shows it."""
    with context.database.snapshot() as connection:
        return _summaries(connection, [visible(connection, actor, space_id, deployment_id, Permission.VIEW)])[0]


def queue(context: Context, actor: Actor, space_id: str | None, deployment_id: str) -> Queue:
    """Return which runs of a deployment work, and the first that wait, each with why and its probable start."""
    now = context.now()
    with context.database.snapshot() as connection:
        found = visible(connection, actor, space_id, deployment_id, Permission.VIEW)
        first = store.in_lane(connection, found.id, [RunState.QUEUED], limit=MOST_WAITING)
        lanes = [waiting_store.lane_of(connection, run, workers_seen_since=now - GONE) for run in first]
        counted = store.by_state(connection, [found.id]).get(found.id, {})
        return Queue(
            working=store.in_lane(connection, found.id, sorted(ACTIVE), limit=MOST_WAITING),
            waiting=[
                (run, waiting(lane, ahead=ahead, now=now))
                for ahead, (run, lane) in enumerate(zip(first, lanes, strict=True))
            ],
            queued=counted.get(RunState.QUEUED, 0),
            max_running=found.max_running,
        )


def _summaries(connection: Connection, found: Sequence[Deployment]) -> list[DeploymentSummary]:
    ids = [deployment.id for deployment in found]
    names = {asset.id: asset.name for asset in assets.these(connection, [each.asset_id for each in found])}
    counts, oldest = store.by_state(connection, ids), store.oldest_waiting(connection, ids)
    jobs = store.jobs_of(connection, ids)
    return [
        DeploymentSummary(
            deployment=each,
            asset_name=names.get(each.asset_id),
            by_state=counts.get(each.id, {}),
            oldest_waiting_at=oldest.get(each.id),
            recent=run_pages.page(connection, each.space_id, limit=RECENT_RUNS, deployment_id=each.id).items,
            jobs=jobs.get(each.id, 0),
        )
        for each in found
    ]

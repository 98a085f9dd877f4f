"""Jobs at a glance: what a page of a space's jobs shows, in one request."""

from __future__ import annotations

from collections.abc import Sequence

from gristmill.domain.job import Job
from gristmill.domain.job_summary import RECENT_RUNS, JobCounts, JobFilter, JobSummary
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import schedules
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.store import assets, deployments, job_summaries, runs
from gristmill.store.database import Connection


def page(
    context: Context,
    actor: Actor,
    space_id: str | None,
    *,
    limit: int,
    start: str | None = None,
    text: str | None = None,
    only: JobFilter | None = None,
) -> tuple[Page[JobSummary], JobCounts]:
    """List a space's jobs, the newest first, each with its newest runs; and how many each filter lets through."""
    now = context.now()
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        found = job_summaries.page(connection, space.id, limit=limit, start=start, text=text, only=only, now=now)
        counts = job_summaries.counts(connection, space.id, now=now)
        return Page(items=_summaries(connection, found.items), next=found.next, total=counts.total), counts


def _summaries(connection: Connection, found: Sequence[Job]) -> list[JobSummary]:
    recent = job_summaries.newest_runs(connection, [job.id for job in found], each=RECENT_RUNS)
    lasts = {run.job_id: run for run in runs.these(connection, [newest[0].id for newest in recent.values()])}
    targets = _targets(connection, found)
    return [
        JobSummary(
            job=job,
            target=targets.get(job.asset_ref),
            schedule=schedules.of_job(job),
            recent=recent.get(job.id, []),
            last=lasts.get(job.id),
        )
        for job in found
    ]


def _targets(connection: Connection, found: Sequence[Job]) -> dict[str, str]:
    """Return the names of the deployments and assets that the jobs run, by id."""
    of_deployments = [job.deployment_id for job in found if job.deployment_id]
    of_assets = [job.asset_ref for job in found if not job.deployment_id]
    names = {each.id: each.name for each in deployments.these(connection, of_deployments)}
    return names | {each.id: each.name for each in assets.these(connection, of_assets)}

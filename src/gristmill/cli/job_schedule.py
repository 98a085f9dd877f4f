"""`gristmill job schedule`, `preview` and `ticks`: when a job runs, and what became of that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from gristmill.cli import schedule_options
from gristmill.cli.command import LISTED, Limit, Session, command
from gristmill.cli.job import SHOWN, jobs
from gristmill.cli.job_reference import Job, job_path
from gristmill.cli.output import Column
from gristmill.cli.pages import Found
from gristmill.cli.schedule_options import ScheduleOptions

_MOST_TICKS = 200
_EXAMPLES = (
    'gristmill job schedule report --cron "30 7 * * 1-5" --zone Europe/Berlin',
    'gristmill job schedule report --every "2 weeks" --at 06:00 --start 2027-01-04 --overlap skip',
    'gristmill job schedule report --once "2027-01-04 09:30" --zone Europe/Berlin',
    "gristmill job schedule report --pause",
)
_UPCOMING = (Column("AT", "at"), Column("LOCAL", "local"), Column("NOTE", "note"))
_DECIDED = (
    Column("SCHEDULED FOR", "scheduled_for"),
    Column("DISPOSITION", "disposition"),
    Column("RUN", "run_id"),
    Column("REASON", "reason"),
    Column("DECIDED", "decided_at"),
)


@command(jobs, "schedule", examples=_EXAMPLES)
def schedule(
    session: Session,
    job: Job,
    when: ScheduleOptions,
    remove: Annotated[bool, typer.Option("--remove", help="End the schedule.")] = False,
    pause: Annotated[
        bool | None, typer.Option("--pause/--resume", help="Leave its runs out for a while, or no more.")
    ] = None,
) -> None:
    """Give a job another schedule, end it, pause it or resume it. Its runs have your rights from then on."""
    now = datetime.now(UTC)
    wanted = when.schedule(now)
    if remove and wanted:
        raise typer.BadParameter("give the job a schedule or --remove it, not both.", param_hint="--remove")
    operations = schedule_options.changes(schedule_options.wire(wanted, now)) if wanted or remove else []
    if pause is not None:
        operations.append({"op": "replace", "path": "/entity/job/paused", "value": pause})
    if not operations:
        raise typer.BadParameter("say what to change: --cron, --every, --once, --remove, --pause or --resume.")
    session.screen.document(session.client.patch(job_path(session, job), operations), SHOWN)


@command(jobs, "preview")
def preview(
    session: Session,
    job: Job,
    count: Annotated[int, typer.Option("--count", min=1, max=100, help="How many runs.")] = 20,
) -> None:
    """List when a job runs next, with a note where a clock change moves a run."""
    found = session.client.get(f"{job_path(session, job)}/schedule_preview", count=count)
    session.screen.listing(Found(found["results"]), _UPCOMING)


@command(jobs, "ticks")
def ticks(session: Session, job: Job, limit: Limit = LISTED) -> None:
    """List what became of the times when a job was due, the newest first: it ran, or why not."""
    found = session.client.get(f"{job_path(session, job)}/ticks", limit=min(limit, _MOST_TICKS))
    session.screen.listing(Found(found["results"]), _DECIDED)

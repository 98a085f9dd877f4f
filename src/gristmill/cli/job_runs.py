"""`gristmill job logs` and `job cancel`: what one mostly wants of a job's runs, without looking for their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gristmill.cli import pages, run_log
from gristmill.cli.command import Session, command
from gristmill.cli.failures import CommandFailed
from gristmill.cli.job import jobs
from gristmill.cli.job_reference import Job, job_path
from gristmill.cli.output import at
from gristmill.cli.run import FollowLog, Tail
from gristmill.cli.run_begun import LISTED
from gristmill.cli.run_state import RunPlace

if TYPE_CHECKING:
    from gristmill.cli.client import Json

_MOST_CANCELED = 10_000
_UNFINISHED = "Queued,Starting,Running"


@command(jobs, "logs")
def logs(session: Session, job: Job, follow: FollowLog = False, tail: Tail = None) -> None:
    """Print what the code of a job's newest run has printed."""
    path = job_path(session, job)
    newest = pages.results(session.client, f"{path}/runs", limit=1).items
    if not newest:
        raise CommandFailed(f"{job} has no runs yet; gristmill job start begins one.")
    read = run_log.follow if follow else run_log.show
    read(session, _place(newest[0]), tail=tail)


@command(jobs, "cancel")
def cancel(session: Session, job: Job) -> None:
    """Stop all runs of a job that wait or work; they are listed."""
    path = job_path(session, job)
    found = pages.results(session.client, f"{path}/runs", limit=_MOST_CANCELED, states=_UNFINISHED)
    for run in found.items:
        session.client.post(f"{_place(run).path}/cancel")
    session.screen.listing(found, LISTED)


def _place(run: Json) -> RunPlace:
    return RunPlace(at(run, "entity.job_run.runtime_job_id"), at(run, "entity.job_run.job_ref"), run["asset_id"])

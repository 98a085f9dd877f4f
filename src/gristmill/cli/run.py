"""`gristmill run`: runs of jobs. Every command takes a run's id in either API."""

from __future__ import annotations

from typing import Annotated

import typer

from gristmill.cli import lookup, pages, progress, run_ending, run_log
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.output import Column, Form, at
from gristmill.cli.run_state import RunPlace, place_of

runs = noun("run", "Runs: looked at, waited for, canceled, deleted, and their logs.")
Run = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run: of the deployment job, or of the job's run.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0, help="Wait no longer; ends with code 124.")
]
_OF_JOB = (
    Column("ID", "entity.job_run.runtime_job_id"),
    Column("RUN", "metadata.asset_id"),
    Column("STATE", "entity.job_run.state"),
    Column("ROWS", "entity.job_run.rows.done"),
    Column("CREATED", "metadata.created_at"),
    Column("CHANGED", "entity.job_run.last_state_change_timestamp"),
)
_WAITING = (
    Column("WAITS", "waiting.reason"),
    Column("PLACE", "waiting.place"),
    Column("PROBABLE START", "waiting.estimated_start"),
)


@command(runs, "list")
def list_runs(
    session: Session,
    deployment: Annotated[str | None, typer.Option(help="Those of this deployment.")] = None,
    job: Annotated[str | None, typer.Option(metavar="ID", help="Those of this job.")] = None,
    state: Annotated[str | None, typer.Option(help="Those in these states, with commas: queued,running.")] = None,
    limit: Limit = LISTED,
) -> None:
    """List the runs of the space, the newest first."""
    if job and deployment:
        raise typer.BadParameter("give --deployment or --job, not both.")
    if job:
        states = ",".join(each.strip().capitalize() for each in state.split(",")) if state else None
        path = f"/v2/jobs/{lookup.segment(job)}/runs"
        session.screen.listing(pages.results(session.client, path, limit=limit, states=states), _OF_JOB)
        return
    deployment_id = lookup.deployment(session.client, session.space_id, deployment) if deployment else None
    filters = {"space_id": session.space_id, "deployment_id": deployment_id, "state": state}
    found = pages.resources(session.client, "/ml/v4/deployment_jobs", limit=limit, **filters)
    session.screen.listing(found, run_ending.LISTED)


@command(runs, "show")
def show(session: Session, run: Run) -> None:
    """Show a run, and why it waits if it does; --output json also has its rows."""
    found = lookup.run(session.client, session.space_id_if_any, run)
    place, state = place_of(found), at(found, "entity.scoring.status.state")
    if session.screen.form is Form.JSON:
        found = session.client.get(f"/ml/v4/deployment_jobs/{place.id}")
    elif state == "queued":
        found["waiting"] = at(session.client.get(place.path), "entity.job_run.waiting")
    session.screen.document(found, (*run_ending.SHOWN, *_WAITING))


@command(runs, "wait")
def wait(session: Session, run: Run, timeout: Timeout = None) -> None:
    """Wait until a run has ended; show its result, and end with its code: 0 completed, 1 failed, 3 canceled."""
    run_id = _place(session, run).id
    status = progress.wait(session.client, session.screen, run_id, timeout_seconds=timeout)
    run_ending.end(session, run_id, status)


@command(runs, "logs")
def logs(
    session: Session,
    run: Run,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the run has ended; end with its code.")
    ] = False,
    tail: Annotated[int | None, typer.Option(min=1, max=100_000, help="Only that many lines from the end.")] = None,
) -> None:
    """Print what a run's code has printed."""
    read = run_log.follow if follow else run_log.show
    read(session, _place(session, run), tail=tail)


@command(runs, "cancel")
def cancel(session: Session, run: Run) -> None:
    """Stop a run."""
    session.client.post(f"{_place(session, run).path}/cancel")


@command(runs, "delete")
def delete(session: Session, run: Run) -> None:
    """Take a run away; one that works is stopped first."""
    session.client.delete(f"/ml/v4/deployment_jobs/{_place(session, run).id}", hard_delete=True)


def _place(session: Session, run: str) -> RunPlace:
    return place_of(lookup.run(session.client, session.space_id_if_any, run))

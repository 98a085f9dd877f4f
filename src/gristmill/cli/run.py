"""`gristmill run`: runs of jobs. Every command takes a run's id in either API."""

from __future__ import annotations

from typing import Annotated

import typer

from gristmill.cli import lookup, pages, progress, run_begun, run_ending, run_log
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.job_reference import job_path
from gristmill.cli.job_request import Env
from gristmill.cli.output import Column, Form, at
from gristmill.cli.pages import Found
from gristmill.cli.run_begun import Follow
from gristmill.cli.run_state import RunPlace, place_of
from gristmill.cli.threshold import Threshold, wire

runs = noun("run", "Runs: looked at, waited for, canceled, deleted, and their logs.")
Run = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run: of the deployment job, or of the job's run.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0, help="Wait no longer; ends with code 124.")
]
FollowLog = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended; end with its code.")]
Tail = Annotated[int | None, typer.Option(min=1, max=100_000, help="Only that many lines from the end.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end and show the result.")]
_OF_ITS_JOB = (
    Column("WAITS", "job_run.waiting.reason"),
    Column("PLACE", "job_run.waiting.place"),
    Column("PROBABLE START", "job_run.waiting.estimated_start"),
    Column("SCHEDULED FOR", "job_run.scheduled_for"),
    Column("ATTEMPT", "job_run.attempt"),
    Column("PINNED", "job_run.pinned"),
    Column("REPAIR OF", "job_run.repair_of"),
    Column("KEPT ROWS", "job_run.kept_rows.done"),
    Column("NODES", "job_run.node_states"),
)
_HISTORY = (
    Column("AT", "at"),
    Column("EVENT", "event"),
    Column("STATE", "state"),
    Column("FENCE", "fence"),
    Column("BY", "by"),
)


@command(runs, "list")
def list_runs(
    session: Session,
    deployment: Annotated[str | None, typer.Option(help="Those of this deployment.")] = None,
    job: Annotated[str | None, typer.Option(help="Those of this job, by name or id.")] = None,
    state: Annotated[str | None, typer.Option(help="Those in these states, with commas: queued,running.")] = None,
    limit: Limit = LISTED,
) -> None:
    """List the runs of the space, the newest first."""
    if job and deployment:
        raise typer.BadParameter("give --deployment or --job, not both.")
    if job:
        states = ",".join(each.strip().capitalize() for each in state.split(",")) if state else None
        path = f"{job_path(session, job)}/runs"
        session.screen.listing(pages.results(session.client, path, limit=limit, states=states), run_begun.LISTED)
        return
    deployment_id = lookup.deployment(session.client, session.space_id, deployment) if deployment else None
    filters = {"space_id": session.space_id, "deployment_id": deployment_id, "state": state}
    found = pages.resources(session.client, "/ml/v4/deployment_jobs", limit=limit, **filters)
    session.screen.listing(found, run_ending.LISTED)


@command(runs, "show")
def show(session: Session, run: Run) -> None:
    """Show a run, and why it waits if it does; --output json also has its rows."""
    found = lookup.run(session.client, session.space_id_if_any, run)
    where = place_of(found)
    if session.screen.form is Form.JSON:
        found = session.client.get(f"/ml/v4/deployment_jobs/{where.id}")
    elif session.screen.form is Form.TABLE:
        found["job_run"] = of_job = at(session.client.get(where.path), "entity.job_run")
        of_job["node_states"] = ", ".join(f"{node['label']} {node['state']}" for node in of_job.get("nodes", []))
    session.screen.document(found, (*run_ending.SHOWN, *_OF_ITS_JOB))


@command(runs, "wait")
def wait(session: Session, run: Run, timeout: Timeout = None) -> None:
    """Wait until a run has ended; show its result, and end with its code: 0 completed, 1 failed, 3 canceled."""
    run_id = place(session, run).id
    status = progress.wait(session.client, session.screen, run_id, timeout_seconds=timeout)
    run_ending.end(session, run_id, status)


@command(runs, "logs")
def logs(session: Session, run: Run, follow: FollowLog = False, tail: Tail = None) -> None:
    """Print what a run's code has printed."""
    read = run_log.follow if follow else run_log.show
    read(session, place(session, run), tail=tail)


@command(runs, "rerun")
def rerun(session: Session, run: Run, wait: Wait = True, follow: Follow = False, timeout: Timeout = None) -> None:
    """Do a run again exactly as it was, whatever has become of its job since; end with its code."""
    run_begun.check(wait=wait, follow=follow)
    made = session.client.post(f"{place(session, run).path}/rerun")
    run_begun.attend(session, made, wait=wait, follow=follow, timeout_seconds=timeout)


@command(runs, "rerun-rejected")
def rerun_rejected(
    session: Session,
    run: Run,
    error_threshold: Threshold = None,
    wait: Wait = True,
    follow: Follow = False,
    timeout: Timeout = None,
) -> None:
    """Do nothing but the rows that a run rejected, with its own model; their result is a data asset of its own."""
    run_begun.check(wait=wait, follow=follow)
    threshold = wire(error_threshold)
    configuration = {} if threshold is None else {"error_threshold": threshold}
    body = {"job_run": {"configuration": configuration}}
    made = session.client.post(f"{place(session, run).path}/rerun_rejected", body)
    run_begun.attend(session, made, wait=wait, follow=follow, timeout_seconds=timeout)


@command(runs, "repair")
def repair(
    session: Session,
    run: Run,
    env: Env = None,
    error_threshold: Threshold = None,
    wait: Wait = True,
    follow: Follow = False,
    timeout: Timeout = None,
) -> None:
    """Do what a run of a flow or a model did not, and keep what it did: nodes, or rows; end with its code."""
    run_begun.check(wait=wait, follow=follow)
    wanted = {"env_variables": list(env) if env else None, "error_threshold": wire(error_threshold)}
    configuration = {name: value for name, value in wanted.items() if value is not None}
    made = session.client.post(f"{place(session, run).path}/repair", {"job_run": {"configuration": configuration}})
    run_begun.attend(session, made, wait=wait, follow=follow, timeout_seconds=timeout)


@command(runs, "history")
def history(session: Session, run: Run) -> None:
    """List every change of a run's state: what happened, when, and who did it."""
    found = session.client.get(f"{place(session, run).path}/history")
    session.screen.listing(Found(found["results"]), _HISTORY)


@command(runs, "pin")
def pin(session: Session, run: Run) -> None:
    """Keep a run until it is deleted by hand, however old it gets."""
    session.client.post(f"{place(session, run).path}/pin")


@command(runs, "unpin")
def unpin(session: Session, run: Run) -> None:
    """Let a run go when its time is up, as all others do."""
    session.client.delete(f"{place(session, run).path}/pin")


@command(runs, "cancel")
def cancel(session: Session, run: Run) -> None:
    """Stop a run."""
    session.client.post(f"{place(session, run).path}/cancel")


@command(runs, "delete")
def delete(session: Session, run: Run) -> None:
    """Take a run away; one that works is stopped first."""
    session.client.delete(f"/ml/v4/deployment_jobs/{place(session, run).id}", hard_delete=True)


def place(session: Session, run: str) -> RunPlace:
    """Return where a run is, by its id in either API."""
    return place_of(lookup.run(session.client, session.space_id_if_any, run))

"""`gristmill job start`: a run of a job now."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import typer

from gristmill.cli import job_request, run_begun
from gristmill.cli.command import Session, command
from gristmill.cli.deployment import Hardware
from gristmill.cli.job import jobs
from gristmill.cli.job_reference import Job, job_path
from gristmill.cli.job_request import Env
from gristmill.cli.run import Timeout, Wait
from gristmill.cli.run_begun import Follow
from gristmill.cli.threshold import Threshold, wire


@command(jobs, "start")
def start(
    session: Session,
    job: Job,
    env: Env = None,
    hardware: Hardware = None,
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    time_limit: Annotated[
        int | None, typer.Option("--time-limit", metavar="SECONDS", min=1, help="How long the run may work.")
    ] = None,
    error_threshold: Threshold = None,
    wait: Wait = True,
    follow: Follow = False,
    timeout: Timeout = None,
) -> None:
    """Start a run of a job now; end with its code: 0 completed, 1 failed, 3 canceled."""
    run_begun.check(wait=wait, follow=follow)
    job_request.variables(env or ())
    configuration: dict[str, Any] = {
        "env_variables": list(env) if env else None,
        "hardware_spec": {"name": hardware} if hardware else None,
        "timeout_seconds": time_limit,
        "error_threshold": wire(error_threshold),
    }
    wanted = {"name": name, "configuration": {key: value for key, value in configuration.items() if value is not None}}
    path = job_path(session, job)
    made = session.client.call(
        "POST",
        f"{path}/runs",
        params={},
        json={"job_run": wanted},
        # A request that is repeated because its connection broke makes no second run.
        headers={"Idempotency-Key": str(uuid.uuid4())},
    )
    run_begun.attend(session, made, wait=wait, follow=follow, timeout_seconds=timeout)

"""`gristmill job`: jobs of the space, and the work that is given to them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli import job_input, lookup, pages, progress, run_ending
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.deployment import Deployment, Hardware
from gristmill.cli.job_reference import Job, job_path
from gristmill.cli.job_request import Env, Work
from gristmill.cli.output import Column
from gristmill.cli.run import Timeout, Wait
from gristmill.cli.threshold import Threshold, wire

if TYPE_CHECKING:
    from gristmill.cli.client import Client, Json

jobs = noun("job", "Jobs: what a deployment or a script is to do, when, and who is told.")
_LISTED = (
    Column("ID", "metadata.asset_id"),
    Column("NAME", "metadata.name"),
    Column("TYPE", "entity.job.asset_ref_type"),
    Column("NEXT RUN", "entity.job.future_scheduled_runs.0"),
    Column("PAUSED", "entity.job.paused"),
    Column("LAST STATE", "entity.job.last_run_status"),
    Column("CREATED", "metadata.created_at"),
)
SHOWN = (
    *_LISTED,
    Column("DESCRIPTION", "metadata.description"),
    Column("RUNS", "entity.job.asset_ref"),
    Column("DEFINITION", "entity.job.configuration.deployment_job_definition_id"),
    Column("SERVING NAME", "entity.job.serving_name"),
    Column("SCHEDULE (UTC)", "entity.job.schedule"),
    Column("ZONE", "entity.job.schedule_info.timezone"),
    Column("CRON", "entity.job.schedule_info.rule.cron"),
    Column("EVERY", "entity.job.schedule_info.rule.every.number"),
    Column("UNIT", "entity.job.schedule_info.rule.every.unit"),
    Column("EXCLUDED", "entity.job.schedule_info.rule.excluded_weekdays"),
    Column("NEXT RUNS", "entity.job.future_scheduled_runs"),
    Column("ENVIRONMENT", "entity.job.configuration.env_variables"),
    Column("SECRETS", "entity.job.configuration.secret_env_variables"),
    Column("HARDWARE", "entity.job.configuration.hardware_spec.name"),
    Column("TIME LIMIT", "entity.job.configuration.timeout_seconds"),
    Column("ERROR THRESHOLD", "entity.job.configuration.error_threshold"),
    Column("MAX RUNNING", "entity.job.configuration.max_running"),
    Column("KEEPS RUNS", "entity.job.retention_policy.amount"),
    Column("KEEPS DAYS", "entity.job.retention_policy.days"),
    Column("RESULTS", "entity.job.retention_policy.results"),
    Column("TELLS", "entity.job.notification_types"),
    Column("CHANNELS", "entity.job.notification_channels"),
    Column("RECIPIENTS", "entity.job.notification_recipients"),
)


@command(jobs, "list")
def list_jobs(session: Session, limit: Limit = LISTED) -> None:
    """List the jobs of the space."""
    session.screen.listing(pages.results(session.client, "/v2/jobs", limit=limit, space_id=session.space_id), _LISTED)


@command(jobs, "show")
def show(session: Session, job: Job) -> None:
    """Show a job."""
    session.screen.document(session.client.get(job_path(session, job)), SHOWN)


@command(jobs, "run")
def run(
    session: Session,
    deployment: Deployment,
    work: Work,
    env: Env = None,
    hardware: Hardware = None,
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    retention: Annotated[
        int | None, typer.Option(metavar="DAYS", min=-1, help="Days to keep the run; -1 is for ever.")
    ] = None,
    error_threshold: Threshold = None,
    wait: Wait = True,
    timeout: Timeout = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="With the same key again, no second run is made.")
    ] = None,
) -> None:
    """Submit a run of a deployment; end with its code: 0 completed, 1 failed, 3 canceled."""
    threshold = wire(error_threshold)
    with job_input.scoring(session, work, env=env or ()) as scoring:
        document = {
            "space_id": session.space_id,
            "deployment": {"id": lookup.deployment(session.client, session.space_id, deployment)},
            "name": name,
            "hardware_spec": {"name": hardware} if hardware else None,
            "scoring": scoring if threshold is None else {**scoring, "error_threshold": threshold},
        }
        made = _submitted(session.client, document, retention=retention, idempotency_key=idempotency_key)
    if not wait:
        session.screen.document(made, run_ending.LISTED)
        return
    run_id = made["metadata"]["id"]
    status = progress.wait(session.client, session.screen, run_id, timeout_seconds=timeout)
    run_ending.end(session, run_id, status)


def _submitted(client: Client, document: Json, *, retention: int | None, idempotency_key: str | None) -> Json:
    return client.call(
        "POST",
        "/ml/v4/deployment_jobs",
        params={"retention": retention},
        json={member: value for member, value in document.items() if value is not None},
        # A request that is repeated because its connection broke makes no second run.
        headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
    )

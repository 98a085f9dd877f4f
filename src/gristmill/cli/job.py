"""`gristmill job`: jobs of the space, and the work that is given to them."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli import job_request, lookup, pages, progress, run_ending
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.deployment import Deployment, Hardware
from gristmill.cli.output import Column
from gristmill.cli.run import Timeout

if TYPE_CHECKING:
    from gristmill.cli.client import Client, Json

jobs = noun("job", "Jobs: what a deployment is to do.")
_LISTED = (
    Column("ID", "metadata.asset_id"),
    Column("NAME", "metadata.name"),
    Column("DEPLOYMENT", "entity.job.asset_ref"),
    Column("CREATED", "metadata.created_at"),
)


@command(jobs, "list")
def list_jobs(session: Session, limit: Limit = LISTED) -> None:
    """List the jobs of the space."""
    session.screen.listing(pages.results(session.client, "/v2/jobs", limit=limit, space_id=session.space_id), _LISTED)


@command(jobs, "run")
def run(
    session: Session,
    deployment: Deployment,
    data: Annotated[str | None, typer.Option(metavar="JSON", help="Rows to score: [[47, 0.7], [23, 0.8]].")] = None,
    fields: Annotated[str | None, typer.Option(metavar="A,B", help="Names of the columns of --data.")] = None,
    input_json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='File with {"fields": [...], "values": [...]}, or several; - is input.'),
    ] = None,
    inputs: Annotated[
        list[str] | None, typer.Option("--input", metavar="ASSET", help="Data asset to work on; may be repeated.")
    ] = None,
    output_name: Annotated[str | None, typer.Option(metavar="NAME", help="Data asset that is to hold results.")] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="K=V", help="Environment variable; may be repeated.")
    ] = None,
    hardware: Hardware = None,
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    retention: Annotated[
        int | None, typer.Option(metavar="DAYS", min=-1, help="Days to keep the run; -1 is for ever.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end and show the result.")] = True,
    timeout: Timeout = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="With the same key again, no second run is made.")
    ] = None,
) -> None:
    """Submit a run of a deployment; end with its code: 0 completed, 1 failed, 3 canceled."""
    tables = job_request.inline(data, fields, input_json)
    job_request.variables(env or ())
    client, space_id = session.client, session.space_id
    document = {
        "space_id": space_id,
        "deployment": {"id": lookup.deployment(client, space_id, deployment)},
        "name": name,
        "hardware_spec": {"name": hardware} if hardware else None,
        "scoring": job_request.scoring(
            tables, [lookup.asset_id(client, space_id, each) for each in inputs or ()], output_name, env or ()
        ),
    }
    made = _submitted(client, document, retention=retention, idempotency_key=idempotency_key)
    if not wait:
        session.screen.document(made, run_ending.LISTED)
        return
    run_id = made["metadata"]["id"]
    status = progress.wait(client, session.screen, run_id, timeout_seconds=timeout)
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

"""`gristmill deployment preview`: the first rows of an input in the real environment, before there is a job of it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli import job_input, lookup, progress, run_ending
from gristmill.cli.command import Session, command
from gristmill.cli.deployment import Deployment, Hardware, deployments
from gristmill.cli.job_request import Env, Work
from gristmill.cli.output import at
from gristmill.cli.run import Timeout
from gristmill.cli.threshold import Threshold, wire

if TYPE_CHECKING:
    from gristmill.cli.client import Json


@command(deployments, "preview", examples=("gristmill deployment preview model --input patients.csv --rows 50",))
def preview(
    session: Session,
    deployment: Deployment,
    work: Work,
    rows: Annotated[int | None, typer.Option("--rows", min=1, max=1_000, help="How many rows; by default 20.")] = None,
    env: Env = None,
    hardware: Hardware = None,
    error_threshold: Threshold = None,
    timeout: Timeout = None,
) -> None:
    """Run the first rows of an input and show what comes out, how long it took, and how long the whole would take.

    Nothing is published, and the run goes after a day.
    """
    deployment_id = lookup.deployment(session.client, session.space_id, deployment)
    threshold = wire(error_threshold)
    with job_input.scoring(session, work, env=env or ()) as scoring:
        wanted = {
            "name": f"preview of {deployment}",
            "space_id": session.space_id,
            "row_limit": rows,
            "hardware_spec": {"name": hardware} if hardware else None,
            "scoring": scoring if threshold is None else {**scoring, "error_threshold": threshold},
        }
        made = session.client.call(
            "POST",
            f"/ml/v4/deployments/{deployment_id}/preview",
            params={},
            json={member: value for member, value in wanted.items() if value is not None},
            # A request that is repeated because its connection broke makes no second run.
            headers={"Idempotency-Key": str(uuid.uuid4())},
        )
    run_id = made["metadata"]["id"]
    status = progress.wait(session.client, session.screen, run_id, timeout_seconds=timeout)
    run_ending.end(session, run_id, status)
    found = session.client.get(f"/ml/v4/deployment_jobs/{run_id}", include="preview")
    session.screen.remark(_said(at(found, "entity.scoring.preview") or {}))


def _said(found: Json) -> str:
    took = f"{found.get('rows', 0):,} rows took {found.get('seconds', 0):g} s, start included."
    whole = found.get("estimate")
    if not whole:
        return f"{took} How many rows the whole has is not known before all of it is read."
    return f"{took} The whole has about {whole['rows']:,} rows and takes at most about {whole['seconds']:,g} s."

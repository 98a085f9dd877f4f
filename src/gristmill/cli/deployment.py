"""`gristmill deployment`: assets that are ready to run jobs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gristmill.cli import lookup, pages
from gristmill.cli.asset import Asset, Description
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.failures import CommandFailed
from gristmill.cli.output import Column, at
from gristmill.cli.pages import Found

deployments = noun("deployment", "Deployments: models, functions and scripts that run jobs.")
Deployment = Annotated[str, typer.Argument(metavar="DEPLOYMENT", help="Name, serving name or id of the deployment.")]
Hardware = Annotated[str | None, typer.Option("--hardware", help="Hardware specification of its runs, such as S.")]
MaxRunning = Annotated[int | None, typer.Option("--max-running", help="How many runs may work at the same time.")]
_LISTED = (
    Column("ID", "metadata.id"),
    Column("NAME", "entity.name"),
    Column("STATE", "entity.status.state"),
    Column("TYPE", "entity.deployed_asset_type"),
    Column("ASSET", "entity.asset.id"),
    Column("HARDWARE", "entity.hardware_spec.name"),
    Column("MAX RUNNING", "entity.batch.max_running"),
    Column("CREATED", "metadata.created_at"),
)
_SHOWN = (
    *_LISTED,
    Column("DESCRIPTION", "entity.description"),
    Column("SERVING NAME", "entity.serving_name"),
    Column("MODIFIED", "metadata.modified_at"),
)
_QUEUED = (
    Column("ID", "id"),
    Column("PLACE", "place"),
    Column("NAME", "name"),
    Column("STATE", "state"),
    Column("CREATED", "created_at"),
    Column("PROBABLE START", "estimated_start"),
    Column("WHY IT WAITS", "reason"),
)


@command(deployments, "list")
def list_deployments(session: Session, limit: Limit = LISTED) -> None:
    """List the deployments of the space."""
    found = pages.resources(session.client, "/ml/v4/deployments", limit=limit, space_id=session.space_id)
    session.screen.listing(found, _LISTED)


@command(deployments, "create")
def create(
    session: Session,
    asset: Asset,
    name: Annotated[str, typer.Option(help="Name of the deployment.")],
    hardware: Hardware = None,
    max_running: MaxRunning = None,
    description: Description = "",
) -> None:
    """Deploy an asset for batch jobs; by default two runs may work at the same time, on hardware S."""
    document = {
        "name": name,
        "description": description,
        "space_id": session.space_id,
        "asset": {"id": lookup.asset_id(session.client, session.space_id, asset)},
        "batch": {} if max_running is None else {"max_running": max_running},
        "hardware_spec": {"name": hardware} if hardware else None,
    }
    made = session.client.post("/ml/v4/deployments", document)
    session.screen.document(made, _SHOWN)
    if at(made, "entity.status.state") == "failed":
        raise CommandFailed(str(at(made, "entity.status.failure.errors")[0]["message"]))


@command(deployments, "show")
def show(session: Session, deployment: Deployment) -> None:
    """Show a deployment."""
    session.screen.document(session.client.get(_path(session, deployment), space_id=session.space_id), _SHOWN)


@command(deployments, "queue")
def queue(session: Session, deployment: Deployment) -> None:
    """List which runs of a deployment work, and the first that wait, in order, each with why."""
    deployment_id = lookup.deployment(session.client, session.space_id, deployment)
    found = session.client.get(f"/v2/deployment_summaries/{deployment_id}/queue", space_id=session.space_id)
    shown = [*found["working"], *found["waiting"]]
    session.screen.listing(Found(shown, more=found["queued"] > len(found["waiting"])), _QUEUED)


@command(deployments, "update")
def update(
    session: Session,
    deployment: Deployment,
    max_running: MaxRunning = None,
    hardware: Hardware = None,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
) -> None:
    """Change a deployment; runs that wait or work keep the hardware that they were submitted with."""
    wanted: dict[str, Any] = {
        "/batch/max_running": max_running,
        "/hardware_spec": {"name": hardware} if hardware else None,
        "/name": name,
    }
    operations = [
        {"op": "replace", "path": path, "value": value} for path, value in wanted.items() if value is not None
    ]
    if not operations:
        raise typer.BadParameter("say what to change: --max-running, --hardware or --name.")
    changed = session.client.patch(_path(session, deployment), operations, space_id=session.space_id)
    session.screen.document(changed, _SHOWN)


@command(deployments, "delete")
def delete(session: Session, deployment: Deployment) -> None:
    """Take a deployment down, with its jobs and runs."""
    session.client.delete(_path(session, deployment), space_id=session.space_id)


def _path(session: Session, deployment: str) -> str:
    return f"/ml/v4/deployments/{lookup.deployment(session.client, session.space_id, deployment)}"

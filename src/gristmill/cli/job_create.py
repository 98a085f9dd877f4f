"""`gristmill job create`: a job of a deployment, with what it is to do, or of an asset that runs by itself."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli import job_input, lookup, schedule_options
from gristmill.cli.command import Session, command
from gristmill.cli.deployment import Hardware
from gristmill.cli.failures import CommandFailed, Unreachable
from gristmill.cli.job import SHOWN, jobs
from gristmill.cli.job_notice import Notices
from gristmill.cli.job_request import Work
from gristmill.cli.job_settings import Settings
from gristmill.cli.output import at
from gristmill.cli.schedule_options import ScheduleOptions

if TYPE_CHECKING:
    from gristmill.cli.client import Json

_EXAMPLES = (
    'gristmill job create "nightly scores" --deployment model --input patients.csv \\',
    '    --output-name scores.csv --cron "30 7 * * 1-5" --zone Europe/Berlin --notify failure',
    "gristmill job create tidy --asset tidy.py --secret PASSWORD --keep-runs 20 \\",
    '    --every "1 day" --at 07:00 --exclude sat,sun --zone Europe/Berlin',
)
_UNKNOWN = "Whether the job was made is not known; `gristmill job list` tells."


@command(jobs, "create", examples=_EXAMPLES)
def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the job.")],
    *,
    deployment: Annotated[
        str | None, typer.Option("--deployment", help="What it runs: a deployment, by name, serving name or id.")
    ] = None,
    asset: Annotated[
        str | None, typer.Option("--asset", help="What it runs: a script or another asset that needs no deployment.")
    ] = None,
    hardware: Hardware = None,
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    work: Work,
    settings: Settings,
    when: ScheduleOptions,
    notices: Notices,
) -> None:
    """Define a job, to be started by hand or on time."""
    if (deployment is None) == (asset is None):
        raise typer.BadParameter("say what the job runs by one of --deployment and --asset.")
    now = datetime.now(UTC)
    schedule = when.schedule(now)
    job: dict[str, Any] = {
        "name": name,
        "description": description,
        "configuration": settings.configuration(hardware=hardware),
        **settings.retention(),
        **schedule_options.wire(schedule, now),
        **notices.members(session),
    }
    with job_input.scoring(session, work) as scoring:
        if deployment is not None:
            made = _of_deployment(session, deployment, job, scoring)
        else:
            made = _of_asset(session, str(asset), job, scoring)
    session.screen.document(made, SHOWN)


def _of_deployment(session: Session, deployment: str, job: Json, scoring: Json) -> Json:
    """Keep what is to be done as a definition, then make the job; where there is no job, there is no definition."""
    client, space_id = session.client, session.space_id
    kept = client.post(
        "/ml/v4/deployment_job_definitions",
        {
            "name": job["name"],
            "space_id": space_id,
            "deployment": {"id": lookup.deployment(client, space_id, deployment)},
            "scoring": scoring,
        },
    )
    definition_id = at(kept, "metadata.id")
    configuration = {**job["configuration"], "deployment_job_definition_id": definition_id}
    try:
        return _made(session, {**job, "configuration": configuration})
    except Unreachable:
        # The job may be there, and would miss its definition.
        raise
    except BaseException:
        with contextlib.suppress(CommandFailed):
            client.delete(f"/ml/v4/deployment_job_definitions/{definition_id}", space_id=space_id)
        raise


def _of_asset(session: Session, asset: str, job: Json, scoring: Json) -> Json:
    wanted = {**job["configuration"], **({"scoring": scoring} if any(scoring.values()) else {})}
    asset_id = lookup.asset_id(session.client, session.space_id, asset)
    return _made(session, {**job, "asset_ref": asset_id, "configuration": wanted})


def _made(session: Session, job: Json) -> Json:
    try:
        return session.client.post("/v2/jobs", {"job": job}, space_id=session.space_id)
    except Unreachable as error:
        raise Unreachable(f"{error} {_UNKNOWN}") from error

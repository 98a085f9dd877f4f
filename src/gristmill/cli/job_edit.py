"""`gristmill job edit`, `delete`, `retention` and `deliveries`: what may change, and what is kept or told of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli import consent, pages
from gristmill.cli.command import LISTED, Limit, Session, command
from gristmill.cli.consent import Yes
from gristmill.cli.deployment import Hardware
from gristmill.cli.failures import CommandFailed
from gristmill.cli.job import SHOWN, jobs
from gristmill.cli.job_notice import Notices
from gristmill.cli.job_reference import Job, job_id, job_path
from gristmill.cli.job_settings import Settings
from gristmill.cli.output import Column, at
from gristmill.domain.retention import Results

if TYPE_CHECKING:
    from gristmill.cli.client import Json

_MOST_AT_ONCE = 20
_EXAMPLES = (
    "gristmill job edit report --env REGION=EMEA --unset DEBUG --keep-days 30",
    "gristmill job edit report --notify failure,long_running --long-running 30 --notify-to operations",
)
_RETENTION = (
    Column("POLICY OF", "source"),
    Column("KEEPS RUNS", "policy.amount"),
    Column("KEEPS DAYS", "policy.days"),
    Column("RUNS", "runs"),
    Column("OLDEST", "oldest"),
    Column("NEWEST", "newest"),
    Column("BYTES", "bytes"),
    Column("RESULT ASSETS", "results_deleted"),
)
_DELIVERIES = (
    Column("ID", "id"),
    Column("AT", "at"),
    Column("KIND", "kind"),
    Column("CHANNEL", "channel_name"),
    Column("TARGET", "target"),
    Column("STATE", "state"),
    Column("ATTEMPTS", "attempts"),
    Column("LAST ERROR", "last_error"),
    Column("DELIVERED", "delivered_at"),
    Column("RUN", "run_id"),
)


@command(jobs, "edit", examples=_EXAMPLES)
def edit(
    session: Session,
    job: Job,
    *,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="What it is for.")] = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="NAME", help="Environment variable to drop.")
    ] = None,
    hardware: Hardware = None,
    settings: Settings,
    keep_default: Annotated[
        bool, typer.Option("--keep-default", help="Keep runs as the installation does by default.")
    ] = False,
    notices: Notices,
) -> None:
    """Change a job; runs that wait or work stay as they are. Variables are added; secrets are replaced all at once."""
    retention = settings.retention()
    if keep_default and retention:
        raise typer.BadParameter(
            "it takes back --keep-runs and --keep-days; leave them out.", param_hint="--keep-default"
        )
    wanted = {
        **({"name": name} if name is not None else {}),
        **({"description": description} if description is not None else {}),
        **({"retention_policy": None} if keep_default else retention),
    }
    configuration = settings.configuration(hardware=hardware)
    if not (wanted or configuration or unset or notices.given):
        raise typer.BadParameter("say what to change, such as --name or --env; --help lists it all.")
    path = job_path(session, job)
    before = at(session.client.get(path), "entity.job")
    wanted |= notices.members(session, before=before.get("notification_types"))
    if settings.env or unset:
        configuration["env_variables"] = _variables(before, settings.env or (), unset or ())
    operations = [*_operations("/entity/job", wanted), *_operations("/entity/job/configuration", configuration)]
    session.screen.document(session.client.patch(path, operations), SHOWN)


@command(jobs, "delete")
def delete(
    session: Session,
    named: Annotated[list[str], typer.Argument(metavar="JOB...", help="Names or ids of the jobs.")],
    yes: Yes = False,
) -> None:
    """Delete jobs with all their runs; asks first."""
    ids = list(dict.fromkeys(job_id(session, each) for each in named))
    what = f"job {named[0]}" if len(ids) == 1 else f"{len(ids)} jobs"
    consent.require(f"Delete {what} with all runs?", yes=yes)
    for first in range(0, len(ids), _MOST_AT_ONCE):
        session.client.post("/v2/jobs/bulk_delete", {"job_ids": ids[first : first + _MOST_AT_ONCE]})


@command(jobs, "retention")
def retention(
    session: Session,
    job: Job,
    amount: Annotated[int | None, typer.Option("--amount", min=1, help="As if so many runs were kept.")] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, help="As if runs were kept for so many days.")] = None,
    results: Annotated[Results | None, typer.Option("--results", help="As if results were kept or deleted.")] = None,
) -> None:
    """Show what retention would take of a job's runs now, under its policy or another; nothing is deleted."""
    if amount is not None and days is not None:
        raise typer.BadParameter("give --amount or --days, not both.", param_hint="--days")
    found = session.client.get(f"{job_path(session, job)}/retention_preview", amount=amount, days=days, results=results)
    session.screen.document(found, _RETENTION)


@command(jobs, "deliveries")
def deliveries(session: Session, job: Job, limit: Limit = LISTED) -> None:
    """List what was told of a job's runs, to whom, and whether it arrived."""
    path = f"{job_path(session, job)}/deliveries"
    session.screen.listing(pages.results(session.client, path, limit=limit), _DELIVERIES)


def _variables(job: Json, given: Sequence[str], unset: Sequence[str]) -> list[str]:
    """Return the job's variables with those that are given, and without those that are not wanted any more."""
    there = at(job, "configuration.env_variables") or []
    found = {each.partition("=")[0]: each for each in [*there, *given]}
    for name in unset:
        if found.pop(name, None) is None:
            raise CommandFailed(f"The job has no environment variable {name}; --unset takes the name of one.")
    return list(found.values())


def _operations(where: str, wanted: dict[str, Any]) -> list[Json]:
    return [{"op": "replace", "path": f"{where}/{name}", "value": value} for name, value in wanted.items()]

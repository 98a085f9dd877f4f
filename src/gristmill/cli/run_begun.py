"""A run of a job that was started a moment ago: shown, waited for, or followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli import progress, run_ending, run_log
from gristmill.cli.output import Column, at
from gristmill.cli.run_state import RunPlace

if TYPE_CHECKING:
    from gristmill.cli.client import Json
    from gristmill.cli.command import Session

Follow = Annotated[bool, typer.Option("--follow", "-f", help="Print its log while it works, instead of its result.")]
LISTED = (
    Column("ID", "entity.job_run.runtime_job_id"),
    Column("RUN", "metadata.asset_id"),
    Column("STATE", "entity.job_run.state"),
    Column("ROWS", "entity.job_run.rows.done"),
    Column("REJECTED", "entity.job_run.rows.rejected"),
    Column("CREATED", "metadata.created_at"),
    Column("CHANGED", "entity.job_run.last_state_change_timestamp"),
)


def check(*, wait: bool, follow: bool) -> None:
    """Refuse to follow what is not waited for."""
    if follow and not wait:
        raise typer.BadParameter("--follow waits for the run; leave --no-wait out.", param_hint="--follow")


def attend(session: Session, made: Json, *, wait: bool, follow: bool, timeout_seconds: float | None) -> None:
    """Show the run, or go along with it to its end.

    Raises:
        CommandFailed: it failed or was canceled, or the time is up; the exit code tells which.

    """
    place = RunPlace(at(made, "entity.job_run.runtime_job_id"), at(made, "entity.job_run.job_ref"), made["asset_id"])
    if not wait:
        session.screen.document(made, LISTED)
        return
    if follow:
        run_log.follow(session, place, tail=None)
        return
    status = progress.wait(session.client, session.screen, place.id, timeout_seconds=timeout_seconds)
    run_ending.end(session, place.id, status)

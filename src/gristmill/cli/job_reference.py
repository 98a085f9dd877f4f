"""Which job a command is about: by its name, which is unique in most spaces, or its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli import lookup

if TYPE_CHECKING:
    from gristmill.cli.command import Session

Job = Annotated[str, typer.Argument(metavar="JOB", help="Name or id of the job.")]


def job_id(session: Session, job: str) -> str:
    """Return the id of a job; an id is taken as it is, and needs no space."""
    return job if lookup.is_id(job) else lookup.job(session.client, session.space_id, job)


def job_path(session: Session, job: str) -> str:
    """Return where a job is in the jobs API."""
    return f"/v2/jobs/{job_id(session, job)}"

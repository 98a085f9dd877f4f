"""`gristmill job timeline`: what jobs did in the last hours, and what they will do in the next."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.cli import pages
from gristmill.cli.command import Session, command
from gristmill.cli.job import jobs
from gristmill.cli.output import Column
from gristmill.cli.pages import Found

if TYPE_CHECKING:
    from gristmill.cli.client import Json

_MOST_JOBS = 10_000
_COLUMNS = (Column("AT", "at"), Column("JOB", "job"), Column("WHAT", "what"), Column("RUN", "run"))


@command(jobs, "timeline")
def timeline(
    session: Session,
    hours: Annotated[int, typer.Option(min=1, max=168, help="How far to look back, and ahead.")] = 12,
) -> None:
    """List the runs and the ticks of all jobs of the space around now, in the order of their times."""
    query = {"space_id": session.space_id, "hours": hours}
    lanes = pages.marked(session.client, "/v2/job_timelines", limit=_MOST_JOBS, **query).items
    rows = sorted((row for lane in lanes for row in _rows(lane)), key=itemgetter("at"))
    session.screen.listing(Found(rows), _COLUMNS)


def _rows(lane: Json) -> list[Json]:
    ran = [
        {"at": run["started_at"] or "", "job": lane["name"], "what": run["state"], "run": run["id"]}
        for run in lane["runs"]
    ]
    return ran + [{"at": tick, "job": lane["name"], "what": "will run", "run": None} for tick in lane["ticks"]]

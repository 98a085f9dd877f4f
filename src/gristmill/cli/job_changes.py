"""`gristmill job changes`: what was changed of a job, when and by whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gristmill.cli.command import LISTED, Limit, Session, command
from gristmill.cli.job import jobs
from gristmill.cli.job_reference import Job, job_path
from gristmill.cli.output import Column
from gristmill.cli.pages import Found

if TYPE_CHECKING:
    from gristmill.cli.client import Json

_COLUMNS = (
    Column("VERSION", "version"),
    Column("AT", "at"),
    Column("BY", "actor_name"),
    Column("WHAT", "what"),
    Column("BEFORE", "before"),
    Column("AFTER", "after"),
)
_MADE = {"field": "made", "before": None, "after": None}


@command(jobs, "changes")
def changes(session: Session, job: Job, limit: Limit = LISTED) -> None:
    """List what was changed of a job, the newest first: a line a member."""
    found = session.client.get(f"{job_path(session, job)}/changes", limit=limit)["results"]
    session.screen.listing(Found([row for change in found for row in _rows(change)]), _COLUMNS)


def _rows(change: Json) -> list[Json]:
    return [
        {**change, "what": each["field"], "before": _text(each["before"]), "after": _text(each["after"])}
        for each in change["changes"] or [_MADE]
    ]


def _text(value: Any) -> Any:  # noqa: ANN401 - any JSON
    return value if isinstance(value, str | None) else json.dumps(value, ensure_ascii=False)

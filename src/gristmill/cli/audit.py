"""`gristmill audit`: who did what, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from gristmill.cli import pages
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.output import Column

audit = noun("audit", "The audit log, for administrators: who did what, and what was refused.")
_COLUMNS = (
    Column("AT", "at"),
    Column("USER", "actor_name"),
    Column("FROM", "address"),
    Column("ACTION", "action"),
    Column("OUTCOME", "outcome"),
    Column("NAME", "target_name"),
    Column("ID", "target_id"),
    Column("DETAILS", "details"),
)
Moment = Annotated[datetime | None, typer.Option(metavar="TIME", help="ISO time; in UTC, if it names no zone.")]


@audit.callback()
def _read() -> None:
    """Who did what, for administrators."""  # without it, typer would make the only command that of the noun


@command(audit, "list", in_space=False)
def list_events(
    session: Session,
    user: Annotated[str | None, typer.Option("--user", help="Only what this user did, by name.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="One action (user.create), or a noun (user).")] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = LISTED,
) -> None:
    """List the audit log, the newest first."""
    asked = {"user": user, "action": action, "since": _wire(since), "until": _wire(until)}
    found = pages.marked(session.client, "/v1/audit_events", limit=limit, **asked)
    session.screen.listing(found, _COLUMNS)


def _wire(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()

"""`gristmill inbox`: what you were told about runs and schedules."""

from __future__ import annotations

from typing import Annotated

import typer

from gristmill.cli import lookup, pages
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.output import Column

inbox = noun("inbox", "Your inbox: what you were told about runs and schedules.")
_PATH = "/v2/notifications"
_LISTED = (
    Column("ID", "event_id"),
    Column("AT", "created_at"),
    Column("READ", "read"),
    Column("KIND", "kind"),
    Column("TITLE", "title"),
)
_SHOWN = (*_LISTED, Column("JOB", "job_id"), Column("RUN", "run_id"), Column("TEXT", "text"))


@command(inbox, "list", in_space=False)
def list_notifications(
    session: Session,
    unread: Annotated[bool, typer.Option("--unread", help="Only what you have not read.")] = False,
    limit: Limit = LISTED,
) -> None:
    """List what you were told, the newest first."""
    found = pages.results(session.client, _PATH, limit=limit, unread=True if unread else None)
    session.screen.listing(found, _LISTED)


@command(inbox, "read", in_space=False)
def read(
    session: Session,
    events: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of the messages.")],
) -> None:
    """Show messages, and mark them as read."""
    for event in events:
        session.screen.document(session.client.post(f"{_PATH}/{lookup.segment(event)}/read"), _SHOWN)


@command(inbox, "read-all", in_space=False)
def read_all(session: Session) -> None:
    """Mark all messages as read."""
    number = session.client.post(f"{_PATH}/read_all")["read"]
    session.screen.remark(f"{number} messages are read now.")

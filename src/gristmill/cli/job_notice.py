"""Options that say what a job tells, to whom, and what the wire calls that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gristmill.cli import lookup
from gristmill.domain.notification import NotificationType

if TYPE_CHECKING:
    from gristmill.cli.command import Session

NOTHING = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """What a job tells, as the command line says it."""

    notify: Annotated[
        str | None,
        typer.Option(
            "--notify",
            metavar="KINDS",
            help=f"What to tell, with commas: {', '.join(NotificationType)}; {NOTHING} is nothing.",
        ),
    ] = None
    notify_to: Annotated[
        list[str] | None,
        typer.Option("--notify-to", metavar="CHANNEL", help="Channel of the space, by name or id; may be repeated."),
    ] = None
    recipients: Annotated[
        list[str] | None,
        typer.Option(
            "--recipient", metavar="WHO", help="E-mail address or id of a user; by default, the owner. May be repeated."
        ),
    ] = None
    long_running: Annotated[
        int | None, typer.Option("--long-running", metavar="MINUTES", min=1, help="Tell when a run takes longer.")
    ] = None
    not_started: Annotated[
        int | None, typer.Option("--not-started", metavar="MINUTES", min=1, help="Tell when a run waits longer.")
    ] = None

    @property
    def given(self) -> bool:
        """Whether any of them was given."""
        return any(getattr(self, each.name) is not None for each in fields(self))

    def members(self, session: Session, *, before: Mapping[str, bool] | None = None) -> dict[str, Any]:
        """Return the members of a job that say so; only those that were given.

        ``before`` is what the job told until now, which ``--notify`` replaces and an alarm's minutes add to.

        Raises:
            BadParameter: there is no such kind, or nothing that would be told.
            CommandFailed: there is no such channel.

        """
        alarms = {"long_running": self.long_running, "not_started": self.not_started}
        types = _types(self.notify, [name for name, minutes in alarms.items() if minutes], before or {})
        if self.given and not (types or before or self.notify):
            raise typer.BadParameter("say what to tell, such as failure,missed.", param_hint="--notify")
        channels = self.notify_to and [
            lookup.channel(session.client, session.space_id, each) for each in self.notify_to
        ]
        wanted = {
            "notification_types": types,
            "notification_channels": channels,
            "notification_recipients": self.recipients,
            **{f"{name}_minutes": minutes for name, minutes in alarms.items()},
        }
        return {name: value for name, value in wanted.items() if value is not None}


def _types(text: str | None, alarms: Sequence[str], before: Mapping[str, bool]) -> dict[str, bool] | None:
    named = [] if text in (None, NOTHING) else [_plain(each) for each in str(text).split(",")]
    unknown = [each for each in named if each not in frozenset(NotificationType)]
    if unknown:
        known = ", ".join(NotificationType)
        raise typer.BadParameter(f"{unknown[0]!r} is none of {known}, {NOTHING}.", param_hint="--notify")
    if text is None and not alarms:
        return None
    return {**(before if text is None else dict.fromkeys(named, True)), **dict.fromkeys(alarms, True)}


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_")

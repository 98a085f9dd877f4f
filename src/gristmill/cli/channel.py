"""`gristmill channel`: the ways by which a space tells people and programs of its runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gristmill.cli import consent, lookup, pages
from gristmill.cli.command import LISTED, Limit, Session, command, noun
from gristmill.cli.consent import Yes
from gristmill.cli.failures import CommandFailed
from gristmill.cli.login import read_secret
from gristmill.cli.output import Column
from gristmill.cli.pages import Found
from gristmill.domain.channel import ChannelType

channels = noun("channel", "Channels: where a space tells of its runs: e-mail, webhooks, and services such as Slack.")
Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Name or id of the channel.")]
_PATH = "/v2/notification_channels"
_EXAMPLES = (
    "gristmill channel create operations --type email --address ops@example.com",
    "gristmill channel create hook --type webhook --url https://example.com/runs",
    "gristmill channel create slack --type apprise        # asks for the URL, which holds a token",
)
_LISTED = (
    Column("ID", "id"),
    Column("NAME", "name"),
    Column("TYPE", "type"),
    Column("ADDRESSES", "settings.addresses"),
    Column("URL", "settings.url"),
    Column("CREATED", "created_at"),
)
_MADE = (*_LISTED, Column("SIGNING SECRET", "settings.secret"))
_TESTED = (
    Column("TARGET", "target"),
    Column("DELIVERED", "delivered"),
    Column("MILLISECONDS", "milliseconds"),
    Column("ERROR", "error"),
)


@command(channels, "list")
def list_channels(session: Session, limit: Limit = LISTED) -> None:
    """List the channels of the space."""
    found = pages.results(session.client, _PATH, limit=limit, space_id=session.space_id)
    session.screen.listing(found, _LISTED)


@command(channels, "create", examples=_EXAMPLES)
def create(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the channel.")],
    kind: Annotated[ChannelType, typer.Option("--type", help="By which way.")],
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            envvar="GRISTMILL_CHANNEL_URL",
            show_envvar=True,
            help="Where a webhook or a service of Apprise is, or - to read it from standard input; without it you are "
            "asked. Many hold a token, and others on this machine can read command lines.",
        ),
    ] = None,
    addresses: Annotated[
        list[str] | None, typer.Option("--address", metavar="ADDRESS", help="E-mail address; may be repeated.")
    ] = None,
) -> None:
    """Make a channel. The secret that a webhook is signed with is shown now, and never again."""
    settings = _settings(kind, url, addresses)
    document = {"space_id": session.space_id, "name": name, "type": str(kind), "settings": settings}
    session.screen.document(session.client.post(_PATH, document), _MADE)


@command(channels, "test")
def test(session: Session, channel: Channel) -> None:
    """Send a message by a channel now, and tell what happened; ends with 1 where it did not arrive."""
    tried = session.client.post(f"{_path(session, channel)}/test")
    session.screen.listing(Found(tried["results"]), _TESTED)
    if not tried["delivered"]:
        raise CommandFailed("The message did not arrive everywhere.")


@command(channels, "delete")
def delete(session: Session, channel: Channel, yes: Yes = False) -> None:
    """Delete a channel; asks first. Jobs that use it tell nobody by it any more."""
    path = _path(session, channel)
    consent.require(f"Delete the channel {channel}?", yes=yes)
    session.client.delete(path)


def _settings(kind: ChannelType, url: str | None, addresses: list[str] | None) -> dict[str, Any]:
    if kind is ChannelType.EMAIL:
        if not addresses:
            raise typer.BadParameter("an e-mail channel needs --address.", param_hint="--address")
        return {"addresses": addresses}
    if addresses:
        raise typer.BadParameter(f"a channel of type {kind} has a --url, and no address.", param_hint="--address")
    return {"url": read_secret(url, "URL", option="--url")}


def _path(session: Session, channel: str) -> str:
    found = channel if lookup.is_id(channel) else lookup.channel(session.client, session.space_id, channel)
    return f"{_PATH}/{found}"

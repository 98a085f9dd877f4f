"""`/v2/notification_channels`: the ways by which a space tells the world. An extension of the wire."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import BaseModel, Field

from gristmill.api.envelope import instant, page_limit
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.jobs import listed, start_of
from gristmill.domain.channel import NotificationChannel
from gristmill.service import channels
from gristmill.service.channels import MadeChannel, NewChannel

router = Router(prefix="/v2/notification_channels", tag="Notifications")


class ChannelBody(BaseModel):
    """A channel to be made."""

    space_id: str | None = None
    name: str = Field(min_length=1)
    type: str
    settings: dict[str, Any]


@router.post("", status_code=201)
def create(ctx: Ctx, me: Me, body: ChannelBody, space_id: str | None = None) -> dict[str, Any]:
    """Make a channel. The signing secret of a webhook, if it is generated, is in this answer and in no other."""
    new = NewChannel(space_id=body.space_id or space_id, name=body.name, type=body.type, settings=body.settings)
    return _made(channels.create(ctx, me, new))


@router.get("")
def page(
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    limit: int | None = None,
    mark: Annotated[str | None, Query(alias="next")] = None,
) -> dict[str, Any]:
    """List the channels of a space, without secrets."""
    size = page_limit(limit)
    found = channels.page(ctx, me, space_id, limit=size, start=start_of(mark))
    return listed(found.total, [_document(channel) for channel in found.items], found.next, size)


@router.get("/{channel_id}")
def get(ctx: Ctx, me: Me, channel_id: str) -> dict[str, Any]:
    """Return a channel, without secrets."""
    return _document(channels.get(ctx, me, channel_id))


@router.patch("/{channel_id}")
def change(ctx: Ctx, me: Me, channel_id: str, operations: Annotated[list[dict[str, Any]], Body()]) -> dict[str, Any]:
    """Change a channel by JSON patch of its name and settings; removing the secret makes and shows a new one."""
    return _made(channels.change(ctx, me, channel_id, operations))


@router.delete("/{channel_id}", status_code=204)
def delete(ctx: Ctx, me: Me, channel_id: str) -> None:
    """Delete a channel."""
    channels.delete(ctx, me, channel_id)


@router.post("/{channel_id}/test")
def test(ctx: Ctx, me: Me, channel_id: str) -> dict[str, Any]:
    """Send a test message now; the answer says for each receiver whether it got through."""
    trials = channels.try_out(ctx, me, channel_id)
    rows = [
        {
            "target": trial.target,
            "delivered": trial.error is None,
            "error": trial.error or "",
            "milliseconds": trial.milliseconds,
        }
        for trial in trials
    ]
    errors = [trial.error for trial in trials if trial.error]
    return {"delivered": not errors, "error": errors[0] if errors else "", "results": rows}


def _made(made: MadeChannel) -> dict[str, Any]:
    document = _document(made.channel)
    if made.secret:
        document["settings"]["secret"] = made.secret
    return document


def _document(channel: NotificationChannel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "space_id": channel.space_id,
        "name": channel.name,
        "type": str(channel.type),
        "settings": dict(channel.settings),
        "owner_id": channel.owner_id,
        "created_at": instant(channel.created_at),
        "modified_at": instant(channel.modified_at),
    }

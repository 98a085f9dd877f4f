"""Channels of a space: made, changed, tried out. Secrets go in and come out once, when they are made here."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gristmill.deliver.channel import DeliveryFailed, Message
from gristmill.domain import json_patch
from gristmill.domain.channel import SECRET_PREFIX, ChannelType, NotificationChannel, read_settings, read_type, shown
from gristmill.domain.errors import Conflict, GristmillError, Invalid, NotFound
from gristmill.domain.page import Page
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.service.secrets import SecretUnreadable
from gristmill.store import channels
from gristmill.store.database import Connection

_PATCHABLE = frozenset({"name", "settings", "settings/addresses", "settings/url", "settings/secret"})
_SECRET_BYTES = 32
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannel:
    """What a client asks to be made."""

    space_id: str | None
    name: str
    type: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeChannel:
    """A channel, and its signing secret where that was generated just now: it is shown only this once."""

    channel: NotificationChannel
    secret: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of a test message for one receiver; ``error`` is None where it got through."""

    target: str
    milliseconds: int
    error: str | None


def create(context: Context, actor: Actor, new: NewChannel) -> MadeChannel:
    """Make a channel.

    Raises:
        Invalid: a setting is wrong, or leads to where messages may not go; the field is named.
        Conflict: the space has a channel of this name.

    """
    kind = read_type(new.type)
    settings, secret = _complete(kind, read_settings(kind, new.settings))
    # Looks names up in the network, so outside of the transaction.
    context.outlets.check(kind, settings)
    with context.database.transaction() as connection:
        channel = add(context, connection, actor, replace(new, settings=settings), kind=kind)
    return MadeChannel(channel=channel, secret=secret)


def add(
    context: Context, connection: Connection, actor: Actor, new: NewChannel, *, kind: ChannelType
) -> NotificationChannel:
    """Do so within a transaction, with settings that were checked."""
    now = context.now()
    space = authorize(connection, actor, new.space_id, Permission.EDIT)
    channel = NotificationChannel(
        id=context.new_id(),
        space_id=space.id,
        name=_name(connection, space.id, new.name),
        type=kind,
        owner_id=actor.user_id,
        created_at=now,
        modified_at=now,
        **_stored(context, kind, new.settings),
    )
    channels.create(connection, channel)
    return channel


def page(
    context: Context, actor: Actor, space_id: str | None, *, limit: int, start: str | None = None
) -> Page[NotificationChannel]:
    """List the channels of a space."""
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return channels.page(connection, space.id, limit=limit, start=start)


def get(context: Context, actor: Actor, channel_id: str) -> NotificationChannel:
    """Return a channel."""
    with context.database.snapshot() as connection:
        return _visible(connection, actor, channel_id, Permission.VIEW)


def change(context: Context, actor: Actor, channel_id: str, operations: Sequence[Mapping[str, Any]]) -> MadeChannel:
    """Change a channel by JSON patch; removing ``settings/secret`` makes a new one."""
    wanted = json_patch.changes(operations, allowed=_PATCHABLE)
    with context.database.snapshot() as connection:
        seen = _visible(connection, actor, channel_id, Permission.EDIT)
    stored, secret = _patched(context, seen, wanted)
    with context.database.transaction() as connection:
        channel = _visible(connection, actor, channel_id, Permission.EDIT)
        if channel.modified_at != seen.modified_at:
            raise Conflict("Another request changed this channel at the same moment. Look again and repeat.")
        name = channel.name
        if "name" in wanted and wanted["name"] != name:
            name = _name(connection, channel.space_id, wanted["name"])
        changed = replace(channel, name=name, modified_at=context.now(), **stored)
        channels.replace(connection, changed)
    return MadeChannel(channel=changed, secret=secret)


def delete(context: Context, actor: Actor, channel_id: str) -> None:
    """Delete a channel; what is on its way through it is not sent any more."""
    with context.database.transaction() as connection:
        channels.remove(connection, _visible(connection, actor, channel_id, Permission.EDIT).id)


def try_out(context: Context, actor: Actor, channel_id: str) -> list[Trial]:
    """Send a test message now, and tell what became of it for each receiver."""
    with context.database.snapshot() as connection:
        channel = _visible(connection, actor, channel_id, Permission.EDIT)
    now = context.now()
    message = Message(
        event_id=context.new_id(),
        kind="test",
        title=f"A test message of the channel {channel.name}",
        text="This channel works. Messages about jobs come here from now on, as the jobs ask for them.\n",
        html=None,
        document={"channel_id": channel.id, "channel_name": channel.name, "space_id": channel.space_id},
        at=now,
    )
    return [_try(context, channel, target, message) for target in targets(channel)]


def targets(channel: NotificationChannel) -> list[str]:
    """Return the targets of deliveries through this channel: its id, or each of its addresses."""
    return list(channel.settings["addresses"]) if channel.type is ChannelType.EMAIL else [channel.id]


def opened(context: Context, channel: NotificationChannel) -> dict[str, Any]:
    """Return a channel's settings with the secret ones in the clear, for sending.

    Raises:
        Conflict: they were encrypted with another secret key.

    """
    try:
        sealed: dict[str, Any] = json.loads(context.secrets.decrypt(channel.sealed)) if channel.sealed else {}
    except SecretUnreadable as error:
        raise Conflict(
            "The settings of this channel were encrypted with another secret key. Set them again.",
            code="secret_unreadable",
        ) from error
    return {**channel.settings, **sealed}


def _try(context: Context, channel: NotificationChannel, target: str, message: Message) -> Trial:
    begun = time.monotonic()
    try:
        context.outlets.channel(channel.type, {**opened(context, channel), "address": target}).send(message)
        error = None
    except (DeliveryFailed, GristmillError) as failure:
        error = str(failure)
    return Trial(target=target, milliseconds=int((time.monotonic() - begun) * 1000), error=error)


def _complete(kind: ChannelType, settings: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Give a webhook a signing secret if it has none; return that too if it is new."""
    if kind is not ChannelType.WEBHOOK or "secret" in settings:
        return dict(settings), None
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    return {**settings, "secret": secret}, secret


def _stored(context: Context, kind: ChannelType, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of settings: what may be shown, and all of it sealed where there are secrets."""
    sealed = None if kind is ChannelType.EMAIL else context.secrets.encrypt(json.dumps(dict(settings)))
    return {"settings": shown(kind, settings), "sealed": sealed}


def _patched(
    context: Context, channel: NotificationChannel, wanted: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """Return the columns of patched settings, and the signing secret if it is new; nothing where none are patched."""
    if not wanted.keys() - {"name"}:
        return {}, None
    before = {} if "settings" in wanted else opened(context, channel)
    settings, secret = _complete(channel.type, read_settings(channel.type, _changed(before, wanted)))
    context.outlets.check(channel.type, settings)
    return _stored(context, channel.type, settings), secret


def _changed(settings: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    whole = wanted.get("settings", settings)
    if not isinstance(whole, Mapping):
        raise Invalid("settings: it is an object of names and values.", field="settings")
    parts = {path.partition("/")[2]: value for path, value in wanted.items() if path.startswith("settings/")}
    return {**whole, **parts}


def _name(connection: Connection, space_id: str, name: Any) -> str:  # noqa: ANN401 - any JSON
    text = name.strip() if isinstance(name, str) else ""
    if not 1 <= len(text) <= _LONGEST_NAME:
        raise Invalid(f"name: a channel needs a name of at most {_LONGEST_NAME} characters.", field="name")
    if channels.named(connection, space_id, text):
        raise Conflict(f"name: this space has a channel {text!r}. Choose another name.", field="name")
    return text


def _visible(connection: Connection, actor: Actor, channel_id: str, permission: Permission) -> NotificationChannel:
    channel = channels.get(connection, channel_id)
    if channel is None:
        raise NotFound(f"There is no channel {channel_id} that you can see.", code="channel_not_found")
    try:
        authorize(connection, actor, channel.space_id, permission)
    except NotFound:
        raise NotFound(f"There is no channel {channel_id} that you can see.", code="channel_not_found") from None
    return channel

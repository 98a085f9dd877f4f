"""A job's wishes to be told, checked against what there is: channels, users, a way to send e-mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gristmill.domain.email_address import is_address
from gristmill.domain.errors import Invalid
from gristmill.domain.notification import ENABLED, Notification, read_notification
from gristmill.service.context import Context
from gristmill.service.outlets import NO_MAIL
from gristmill.store import channels, members
from gristmill.store.database import Connection


def checked(
    context: Context,
    connection: Connection,
    space_id: str,
    given: Mapping[str, Any],
    *,
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the document of a job's wishes, ``before`` with what is ``given`` in its place.

    ``given`` has members of `Notification` by name, None for what is not wanted any more; ``enabled`` is the wire's
    ``enable_notifications``, which says something only where no types are given.

    Raises:
        Invalid: a member is malformed, or names a channel or user that the space does not have.

    """
    there = Notification.of(before or {})
    known = {name: getattr(there, name) for name in ("types", "long_running_minutes", "not_started_minutes")}
    known |= {"channels": list(there.channels), "recipients": list(there.recipients)}
    wanted = read_notification({**known, **_types(there, given), **given})
    if "channels" in given:
        _check_channels(connection, space_id, wanted.channels)
    if "recipients" in given:
        _check_recipients(context, connection, space_id, wanted.recipients)
    return wanted.document()


def reachable(context: Context, connection: Connection, space_id: str, recipients: Sequence[str]) -> list[str]:
    """Return those of the recipients that a job of this space may have."""
    mail = context.outlets.sends_mail
    return [one for one in recipients if (mail if is_address(one) else members.role(connection, space_id, one))]


def _types(there: Notification, given: Mapping[str, Any]) -> dict[str, Any]:
    if given.get("enabled") is None:
        return {}
    some = any(there.types.values())
    if given["enabled"]:
        return {} if some else {"types": {str(wanted): True for wanted in sorted(ENABLED)}}
    return {"types": {}}


def _check_channels(connection: Connection, space_id: str, wanted: Sequence[str]) -> None:
    known = {channel.id for channel in channels.some(connection, space_id, wanted)}
    for number, channel_id in enumerate(wanted):
        if channel_id not in known:
            where = f"notification_channels[{number}]"
            raise Invalid(
                f"{where}: this space has no channel {channel_id}. GET /v2/notification_channels lists them.",
                field=where,
            )


def _check_recipients(context: Context, connection: Connection, space_id: str, wanted: Sequence[str]) -> None:
    for number, recipient in enumerate(wanted):
        where = f"notification_recipients[{number}]"
        if is_address(recipient):
            if not context.outlets.sends_mail:
                raise Invalid(f"{where}: {NO_MAIL}", field=where)
        elif members.role(connection, space_id, recipient) is None:
            raise Invalid(
                f"{where}: {recipient} is neither an e-mail address nor the id of a member of this space.", field=where
            )

"""What a job wants to be told, to whom, and when its patience is over. Pure matching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from gristmill.domain.email_address import is_address
from gristmill.domain.errors import Invalid
from gristmill.domain.event import Event, EventKind
from gristmill.domain.job import Job

MOST_RECEIVERS = 50
_MOST_MINUTES = 60 * 24 * 366


class NotificationType(StrEnum):
    """What can be asked for; the first three are the Common Core's own."""

    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"
    STARTED = "started"
    CANCELED = "canceled"
    NOT_STARTED = "not_started"
    LONG_RUNNING = "long_running"
    MISSED = "missed"
    REFUSED = "refused"
    OVERLAPPED = "overlapped"
    ROWS_REJECTED = "rows_rejected"


_T, _K = NotificationType, EventKind

ASKED_BY: Mapping[EventKind, frozenset[NotificationType]] = {
    _K.STARTED: frozenset({_T.STARTED}),
    _K.SUCCEEDED: frozenset({_T.SUCCESS}),
    _K.WARNED: frozenset({_T.WARNING, _T.ROWS_REJECTED}),
    _K.FAILED: frozenset({_T.FAILURE}),
    _K.CANCELED: frozenset({_T.CANCELED}),
    _K.LONG_RUNNING: frozenset({_T.LONG_RUNNING}),
    _K.NOT_STARTED: frozenset({_T.NOT_STARTED}),
    _K.TICK_MISSED: frozenset({_T.MISSED}),
    _K.TICK_REFUSED: frozenset({_T.REFUSED, _T.FAILURE}),
    _K.TICK_OVERLAPPED: frozenset({_T.OVERLAPPED}),
    _K.SCHEDULE_BROKEN: frozenset({_T.REFUSED, _T.FAILURE}),
    _K.UNDELIVERED: frozenset(),
}
"""Which of the types ask for an event of a kind: any one of them is enough."""

NEVER_SILENT = frozenset({EventKind.SCHEDULE_BROKEN, EventKind.TICK_REFUSED})
"""What reaches the inbox of the owner and of whoever set the schedule, asked for or not."""

ENABLED = frozenset({_T.SUCCESS, _T.WARNING, _T.FAILURE})
"""What ``enable_notifications`` alone turns on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A job's wishes. ``recipients`` are e-mail addresses and ids of users; none means the job's owner.

    ``types`` is as the client gave it. The alarms have their minutes: from being queued to the start, and from the
    start to the end.
    """

    types: Mapping[str, bool] = field(default_factory=dict)
    channels: Sequence[str] = ()
    recipients: Sequence[str] = ()
    long_running_minutes: int | None = None
    not_started_minutes: int | None = None

    def asks_for(self, kind: EventKind, *, rejected: int = 0) -> bool:
        """Whether an event of this kind is to be told; ``rejected`` is the number of rows that were rejected."""
        asking = {wanted for wanted in ASKED_BY[kind] if self.types.get(wanted)}
        return bool(asking - {NotificationType.ROWS_REJECTED}) or (bool(asking) and rejected > 0)

    def patience(self, kind: EventKind) -> timedelta | None:
        """Return after how long the alarm of this kind goes off, None where it is off."""
        minutes = self.long_running_minutes if kind is EventKind.LONG_RUNNING else self.not_started_minutes
        return timedelta(minutes=minutes) if minutes and self.asks_for(kind) else None

    def document(self) -> dict[str, Any]:
        """Return the JSON document that the store keeps: the types, and beside them what is not empty."""
        others = {
            "channels": list(self.channels),
            "recipients": list(self.recipients),
            "long_running_minutes": self.long_running_minutes,
            "not_started_minutes": self.not_started_minutes,
        }
        return {**self.types, **{name: value for name, value in others.items() if value}}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the wishes from their document."""
        types = {name: value for name, value in document.items() if isinstance(value, bool)}
        return cls(types=types, **{name: value for name, value in document.items() if name not in types})


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """Whom an event reaches. ``asked`` are users who are told while they are members of the space, also by e-mail.

    ``always`` are users whose inbox gets it whatever the job asks for; ``addresses`` and ``channels`` are outside.
    """

    asked: Sequence[str] = ()
    always: Sequence[str] = ()
    addresses: Sequence[str] = ()
    channels: Sequence[str] = ()


def audience_of(job: Job) -> dict[str, Any]:
    """Return whom a job's events are for, as the job is now; the document that an event may keep."""
    return {
        "owner_id": job.owner_id,
        "scheduler_id": job.scheduler_id,
        "notification": dict(job.notification),
    }


def receivers(event: Event, audience: Mapping[str, Any]) -> Receivers:
    """Return whom an event reaches."""
    owner, scheduler = audience.get("owner_id"), audience.get("scheduler_id")
    if event.kind is EventKind.UNDELIVERED:
        return Receivers(always=_known(owner))
    always = _known(owner, scheduler) if event.kind in NEVER_SILENT else []
    wanted = Notification.of(audience.get("notification") or {})
    if not wanted.asks_for(event.kind, rejected=(event.document.get("rows") or {}).get("rejected") or 0):
        return Receivers(always=always)
    outside = addresses(wanted.recipients)
    users = [recipient for recipient in wanted.recipients if recipient not in outside]
    return Receivers(
        asked=users if wanted.recipients else _known(owner),
        always=always,
        addresses=outside,
        channels=wanted.channels,
    )


def alarm_at(document: Mapping[str, Any], kind: EventKind, now: datetime) -> datetime | None:
    """Return when the alarm of this kind goes off for a run of a job with these wishes, None where it is off."""
    patience = Notification.of(document).patience(kind) if document.get(_ALARMS[kind]) else None
    return now + patience if patience else None


_ALARMS = {EventKind.LONG_RUNNING: _T.LONG_RUNNING, EventKind.NOT_STARTED: _T.NOT_STARTED}


def read_notification(given: Mapping[str, Any]) -> Notification:
    """Check a job's wishes; ``given`` has the members of `Notification` by name, None for what is not wanted.

    Raises:
        Invalid: a type is unknown, an alarm has no minutes, or a member is malformed; the wire's field is named.

    """
    wanted = Notification(
        types=_types(given.get("types")),
        channels=_texts(given.get("channels"), where="notification_channels"),
        recipients=_texts(given.get("recipients"), where="notification_recipients"),
        long_running_minutes=_minutes(given.get("long_running_minutes"), where="long_running_minutes"),
        not_started_minutes=_minutes(given.get("not_started_minutes"), where="not_started_minutes"),
    )
    for kind, where in _ALARMS.items():
        if wanted.asks_for(kind) and wanted.patience(kind) is None:
            field = f"{where}_minutes"
            raise Invalid(f"{field}: notification_types.{where} needs a number of minutes.", field=field)
    return wanted


def addresses(recipients: Sequence[str]) -> list[str]:
    """Return the recipients that are e-mail addresses; the others are users."""
    return [recipient for recipient in recipients if is_address(recipient)]


def _known(*user_ids: str | None) -> list[str]:
    return list(dict.fromkeys(user_id for user_id in user_ids if user_id))


def _types(given: Any) -> dict[str, bool]:  # noqa: ANN401 - any JSON
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise Invalid("notification_types: it is an object of types and booleans.", field="notification_types")
    for name, value in given.items():
        where = f"notification_types.{name}"
        if name not in frozenset(NotificationType):
            raise Invalid(f"{where}: the types are {', '.join(NotificationType)}.", field=where)
        if not isinstance(value, bool):
            raise Invalid(f"{where}: {value!r} is neither true nor false.", field=where)
    return dict(given)


def _texts(given: Any, *, where: str) -> tuple[str, ...]:  # noqa: ANN401 - any JSON
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > MOST_RECEIVERS:
        raise Invalid(f"{where}: it is an array of at most {MOST_RECEIVERS}.", field=where)
    for number, one in enumerate(given):
        if not isinstance(one, str) or not one:
            raise Invalid(f"{where}[{number}]: {one!r} is no text.", field=f"{where}[{number}]")
    return tuple(dict.fromkeys(given))


def _minutes(given: Any, *, where: str) -> int | None:  # noqa: ANN401 - any JSON
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= _MOST_MINUTES:
        raise Invalid(f"{where}: {given!r} is not a whole number from 1 to {_MOST_MINUTES}.", field=where)
    return given

"""What the notifier asks of a channel, and what it learns when a message did not get through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event, told to people and to programs.

    ``event_id`` is the same in every attempt, so receivers can tell a repetition. ``document`` is plain JSON. ``at`` is
    when the event happened, not when it is told.
    """

    event_id: str
    kind: str
    title: str
    text: str
    html: str | None
    document: Mapping[str, Any]
    at: datetime


class Channel(Protocol):
    """A way to one receiver. May be used from several threads at once."""

    def send(self, message: Message) -> None:
        """Hand the message over; returns when the receiver has taken it.

        Raises:
            DeliveryFailed: it did not get through, or nobody knows whether it did.

        """


class DeliveryFailed(Exception):
    """The message did not get through.

    ``permanent``: another attempt makes no sense. ``retry_after_seconds``: what the receiver asked for. The text is fit
    for a delivery log: it names no password, no token and no URL that holds one.
    """

    def __init__(self, reason: str, *, permanent: bool, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds

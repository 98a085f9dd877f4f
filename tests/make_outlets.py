"""Ways out of the house that write down what goes through them, and fail when a test says so."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gristmill.deliver.channel import Channel, DeliveryFailed, Message
from gristmill.deliver.lineage import LineageSink
from gristmill.domain.channel import ChannelType
from gristmill.domain.errors import Invalid


@dataclass
class RecordingOutlets:
    """Keeps every message by its target. ``failures`` are raised first, one an attempt, then messages get through.

    A target in ``blocked`` holds whoever sends to it until its event is set.
    """

    sends_mail: bool = True
    public_url: str | None = "https://gristmill.example"
    lineage: LineageSink | None = None
    told: list[tuple[str, Message]] = field(default_factory=list)
    failures: dict[str, list[Exception]] = field(default_factory=dict)
    blocked: dict[str, threading.Event] = field(default_factory=dict)
    settings: list[Mapping[str, Any]] = field(default_factory=list)

    def check(self, kind: ChannelType, settings: Mapping[str, Any]) -> None:
        """Refuse what a guard would."""
        if kind is not ChannelType.EMAIL and "127.0.0.1" in settings["url"]:
            raise Invalid("settings.url: it leads into the house.", code="address_refused", field="settings.url")
        if kind is ChannelType.EMAIL and not self.sends_mail:
            raise Invalid("type: no mail server is set.", field="type")

    def channel(self, kind: ChannelType, settings: Mapping[str, Any]) -> Channel:
        """Return the way to one receiver."""
        self.settings.append(settings)
        target = settings["address"] if kind is ChannelType.EMAIL else settings["url"]
        return RecordingChannel(self, target)

    def ids(self, target: str) -> list[str]:
        """Return the ids of the events that were told to a target, in order, with repetitions."""
        return [message.event_id for to, message in self.told if to == target]


@dataclass
class RecordingChannel:
    """Implements ``Channel`` with a list."""

    outlets: RecordingOutlets
    target: str

    def send(self, message: Message) -> None:
        """Wait if the target is blocked, fail if a failure is left, else write the message down."""
        if self.target in self.outlets.blocked:
            self.outlets.blocked[self.target].wait(10)
        failures = self.outlets.failures.get(self.target)
        if failures:
            raise failures.pop(0)
        self.outlets.told.append((self.target, message))


def unavailable(reason: str = "503 Service Unavailable", *, after: float | None = None) -> DeliveryFailed:
    """Return what a receiver that is down makes of a message."""
    return DeliveryFailed(reason, permanent=False, retry_after_seconds=after)


def gone(reason: str = "410 Gone") -> DeliveryFailed:
    """Return what a receiver that wants no more makes of a message."""
    return DeliveryFailed(reason, permanent=True)

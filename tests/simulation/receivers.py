"""Receivers of messages: they fail, hang and forget to answer, and write down what reached them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gristmill.deliver.channel import Channel, Message
from gristmill.deliver.lineage import LineageSink
from gristmill.domain.channel import ChannelType

HOOK, MAIL = "https://hooks.example.com/1", "ann@example.com"
Meet = Callable[[str, Message, Callable[[], None]], None]
"""Decides over an attempt: called with the target, the message, and what takes it; raises where it fails."""


def _take(_target: str, _message: Message, take: Callable[[], None]) -> None:
    take()


@dataclass
class Receivers:
    """Implements ``Outlets``. ``told`` counts, by event and target, how often a message got through."""

    told: dict[tuple[str, str], int] = field(default_factory=dict)
    meet: Meet = _take
    sends_mail: bool = True
    public_url: str | None = None
    lineage: LineageSink | None = None

    def check(self, kind: ChannelType, settings: Mapping[str, Any]) -> None:
        """Allow any address."""

    def channel(self, kind: ChannelType, settings: Mapping[str, Any]) -> Channel:
        return _Way(self, settings["address"] if kind is ChannelType.EMAIL else settings["url"])


@dataclass
class _Way:
    receivers: Receivers
    target: str

    def send(self, message: Message) -> None:
        told, key = self.receivers.told, (message.event_id, self.target)

        def take() -> None:
            told[key] = told.get(key, 0) + 1

        self.receivers.meet(self.target, message, take)

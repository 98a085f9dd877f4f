"""The ways out of the house: which adapter carries what to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gristmill.deliver.apprise_service import AppriseService
from gristmill.deliver.channel import Channel, DeliveryFailed
from gristmill.deliver.email import Mail, check_address
from gristmill.deliver.lineage import LineageSink
from gristmill.deliver.webhook import Webhook
from gristmill.domain.channel import ChannelType
from gristmill.domain.errors import Invalid
from gristmill.guard.address_guard import AddressGuard

NO_MAIL = "This server sends no e-mail. An administrator sets GRISTMILL_SMTP_URL."
_URL = "settings.url"


class Outlets(Protocol):
    """What the use cases ask of the ways out."""

    @property
    def sends_mail(self) -> bool:
        """Whether e-mail can be sent at all."""

    @property
    def lineage(self) -> LineageSink | None:
        """Where lineage goes, if it goes anywhere."""

    @property
    def public_url(self) -> str | None:
        """Where people reach this server, for links."""

    def check(self, kind: ChannelType, settings: Mapping[str, Any]) -> None:
        """Refuse settings of a channel that could never deliver anything.

        Raises:
            Invalid: the address is not allowed, or the service is unknown.

        """

    def channel(self, kind: ChannelType, settings: Mapping[str, Any]) -> Channel:
        """Return the way to one receiver: ``address``, or ``url`` and ``secret`` of the settings.

        Raises:
            Invalid: the address is not allowed any more.
            DeliveryFailed: the way is not there at all.

        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectOutlets:
    """Implements ``Outlets`` with the adapters of this process."""

    mail: Mail | None = None
    lineage: LineageSink | None = None
    guard: AddressGuard = field(default_factory=AddressGuard)
    public_url: str | None = None

    @property
    def sends_mail(self) -> bool:
        """Whether e-mail can be sent at all."""
        return self.mail is not None

    def check(self, kind: ChannelType, settings: Mapping[str, Any]) -> None:
        """Refuse settings of a channel that could never deliver anything."""
        match kind:
            case ChannelType.EMAIL:
                if self.mail is None:
                    raise Invalid(f"type: {NO_MAIL}", field="type")
                for number, address in enumerate(settings["addresses"]):
                    check_address(address, field=f"settings.addresses[{number}]")
            case ChannelType.WEBHOOK:
                self.guard.check_url(settings["url"], field=_URL)
            case ChannelType.APPRISE:
                AppriseService(settings["url"], self.guard, field=_URL)

    def channel(self, kind: ChannelType, settings: Mapping[str, Any]) -> Channel:
        """Return the way to one receiver."""
        match kind:
            case ChannelType.WEBHOOK:
                return Webhook(settings["url"], settings["secret"], self.guard)
            case ChannelType.APPRISE:
                return AppriseService(settings["url"], self.guard)
            case ChannelType.EMAIL:
                if self.mail is None:
                    raise DeliveryFailed(NO_MAIL, permanent=False)
                return self.mail.to(settings["address"])

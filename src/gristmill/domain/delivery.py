"""Deliveries: an event on its way to one place."""

from __future__ import annotations

from enum import StrEnum


class ChannelType(StrEnum):
    """How a space's channel reaches people. ``apprise`` is any service that the Apprise library knows."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    APPRISE = "apprise"


class DeliveryState(StrEnum):
    """``waiting``: for its first or next attempt. ``failed``: no attempt is left, or none makes sense."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"

"""Deliveries: an event on its way to one place, by attempts that come less and less often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gristmill.domain.event import EventKind

MOST_ATTEMPTS = 10
_FIRST_WAIT = timedelta(seconds=10)
_LONGEST_WAIT = timedelta(hours=6)
_JITTER = 0.2
MAIL = "e-mail"
LINEAGE_SINK = "openlineage"
"""The target and the sink of lineage: no e-mail address, and no id of a channel."""


class DeliveryState(StrEnum):
    """``waiting``: for its first or next attempt. ``failed``: no attempt is left, or none makes sense."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one place. ``target`` is the channel's id, an e-mail address, or ``LINEAGE_SINK``.

    ``attempts`` counts those that began. While one is being made, ``next_attempt_at`` is when somebody else may take it
    up because the first is taken to be dead.
    """

    id: str
    event_id: str
    target: str
    channel_id: str | None = None
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None

    @property
    def sink(self) -> str:
        """What may be slow or dead: the channel, where lineage goes, or the mail server, which all addresses share."""
        return self.target if self.target in {self.channel_id, LINEAGE_SINK} else MAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How an attempt ended; ``error`` is None where the message got through."""

    at: datetime
    milliseconds: int
    error: str | None = None
    permanent: bool = False
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEntry:
    """A row of a job's delivery log; ``error`` is that of the last attempt."""

    delivery: Delivery
    kind: EventKind
    run_id: str | None
    at: datetime
    channel_name: str | None
    error: str | None
    last_attempt_at: datetime | None


def settled(delivery: Delivery, attempt: Attempt, now: datetime, *, chance: float) -> Delivery:
    """Return a delivery after an attempt; ``chance`` from 0 to 1 spreads what failed together.

    Ten attempts take about 22 hours. A receiver that asks for more time gets it, up to six hours.
    """
    if attempt.error is None:
        return replace(delivery, state=DeliveryState.DELIVERED, next_attempt_at=None, delivered_at=now)
    if attempt.permanent or delivery.attempts >= MOST_ATTEMPTS:
        return replace(delivery, state=DeliveryState.FAILED, next_attempt_at=None)
    return replace(delivery, next_attempt_at=now + _wait(delivery.attempts, attempt.retry_after_seconds, chance))


def _wait(attempts: int, asked_seconds: float | None, chance: float) -> timedelta:
    grown: timedelta = min(_FIRST_WAIT * 4 ** (attempts - 1), _LONGEST_WAIT)
    spread = grown * (1 + _JITTER * (2 * chance - 1))
    return min(max(spread, timedelta(seconds=asked_seconds or 0)), _LONGEST_WAIT * (1 + _JITTER))

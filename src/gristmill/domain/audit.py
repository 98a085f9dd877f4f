"""The audit log: who did what to what, from where, and whether it was allowed. What is written stays written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gristmill.domain.user import Actor


class Outcome(StrEnum):
    """Whether it was done, or refused for want of rights."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(slots=True)
class Act:
    """What a request sets out to do, as ``noun.verb``. Who does it is known a moment after it was routed."""

    action: str
    address: str | None = None
    actor: Actor | None = None

    @property
    def noun(self) -> str:
        """The kind of thing that is acted on."""
        return self.action.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A thing that was made, changed or taken away; ``details`` are the members that changed, without secrets."""

    target_id: str
    target_name: str | None = None
    space_id: str | None = None
    details: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """A line of the audit log. Names are kept as they were then: users and things may be gone since."""

    id: str
    at: datetime
    actor_id: str | None
    actor_name: str
    address: str | None
    action: str
    outcome: Outcome
    target_id: str | None = None
    target_name: str | None = None
    space_id: str | None = None
    details: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which lines are asked for. ``action`` is one, or a noun for all that was done to things of that kind."""

    actor_name: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None

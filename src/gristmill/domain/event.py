"""Events: what happened that somebody may want to be told of. One transition, one event."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from gristmill.domain.run import RunState

LINEAGE = "lineage"
_NAMESPACE = uuid.UUID("6b0c8d3a-6a34-5f0e-9a53-0f6f5a1f5c1e")


class EventKind(StrEnum):
    """What happened. ``warned``: completed, with a warning or with rows that were rejected.

    ``long_running`` and ``not_started`` come when a job's patience is over; ``schedule_broken`` when the next tick of
    a schedule would be refused, before it comes; ``undelivered`` when a message about a job reached somebody never.
    """

    STARTED = "started"
    SUCCEEDED = "succeeded"
    WARNED = "warned"
    FAILED = "failed"
    CANCELED = "canceled"
    LONG_RUNNING = "long_running"
    NOT_STARTED = "not_started"
    TICK_MISSED = "tick_missed"
    TICK_REFUSED = "tick_refused"
    TICK_OVERLAPPED = "tick_overlapped"
    SCHEDULE_BROKEN = "schedule_broken"
    UNDELIVERED = "undelivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event. ``subject`` names the transition, so that it can be told only once.

    ``document`` holds what a message needs, as it was: names, state, cause, rows. It is enough even when the run and
    the job are gone. ``audience`` is whom to tell as it was then (`notification.py`); None: as the job says when the
    event is routed.
    """

    subject: str
    kind: EventKind
    space_id: str
    at: datetime
    job_id: str | None = None
    run_id: str | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    audience: Mapping[str, Any] | None = None

    @property
    def lineage(self) -> Mapping[str, Any] | None:
        """The event in the words of OpenLineage, where lineage is kept; it is no part of what people are told."""
        found: Mapping[str, Any] | None = self.document.get(LINEAGE)
        return found

    @property
    def told(self) -> dict[str, Any]:
        """The document as people and their programs get it."""
        return {name: value for name, value in self.document.items() if name != LINEAGE}

    @property
    def id(self) -> str:
        """The event's id, the same wherever and how often it is computed."""
        return str(uuid.uuid5(_NAMESPACE, self.subject))


def kind_of(state: RunState, *, warned: bool = False) -> EventKind | None:
    """Return what it means to people that a run comes into this state; None for what is of no interest to them."""
    match state:
        case RunState.RUNNING:
            return EventKind.STARTED
        case RunState.COMPLETED:
            return EventKind.WARNED if warned else EventKind.SUCCEEDED
        case RunState.FAILED:
            return EventKind.FAILED
        case RunState.CANCELED:
            return EventKind.CANCELED
    return None


def of_run(run_id: str, number: int) -> str:
    """Return the subject of a change of a run's state; ``number`` is that of its history row."""
    return f"run/{run_id}/{number}"


def of_tick(job_id: str, scheduled_for: datetime) -> str:
    """Return the subject of a decided tick."""
    return f"tick/{job_id}/{scheduled_for.isoformat()}"


def of_alarm(run_id: str, kind: EventKind, fence: int) -> str:
    """Return the subject of a run's alarm: one for each claim, and for each time that the run waits for one."""
    return f"alarm/{run_id}/{kind}/{fence}"


def of_undelivered(job_id: str | None, target: str, day: date) -> str:
    """Return the subject of messages that were given up: one for each job, target and day, however many they were."""
    return f"undelivered/{job_id or '-'}/{uuid.uuid5(_NAMESPACE, target)}/{day.isoformat()}"

"""The life of a run: its states, what may follow what, and what becomes of a run whose worker is gone.

This table is the only place that knows which state may follow which; `store/runs.py` is the only writer of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from gristmill.domain.errors import Conflict


class RunState(StrEnum):
    """The states of the wire; ``canceling`` is shown as running by the ML API and as Canceling by the jobs API."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    CANCELING = "canceling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


class RunEvent(StrEnum):
    """What can happen to a run.

    ``returned``: its worker stops or is gone, and the run may be done again. ``lost``: the same, but it may not.
    """

    CLAIMED = "claimed"
    STARTED = "started"
    SUCCEEDED = "succeeded"
    ERRED = "erred"
    CANCEL_REQUESTED = "cancel_requested"
    STOPPED = "stopped"
    RETURNED = "returned"
    LOST = "lost"


FINAL = frozenset({RunState.COMPLETED, RunState.FAILED, RunState.CANCELED})
ACTIVE = frozenset({RunState.STARTING, RunState.RUNNING, RunState.CANCELING})

_S, _E = RunState, RunEvent

TRANSITIONS: Mapping[tuple[RunState, RunEvent], RunState] = {
    (_S.QUEUED, _E.CLAIMED): _S.STARTING,
    (_S.QUEUED, _E.ERRED): _S.FAILED,
    (_S.QUEUED, _E.CANCEL_REQUESTED): _S.CANCELED,
    (_S.STARTING, _E.STARTED): _S.RUNNING,
    (_S.STARTING, _E.ERRED): _S.FAILED,
    (_S.STARTING, _E.CANCEL_REQUESTED): _S.CANCELING,
    (_S.STARTING, _E.RETURNED): _S.QUEUED,
    (_S.STARTING, _E.LOST): _S.FAILED,
    (_S.RUNNING, _E.SUCCEEDED): _S.COMPLETED,
    (_S.RUNNING, _E.ERRED): _S.FAILED,
    (_S.RUNNING, _E.CANCEL_REQUESTED): _S.CANCELING,
    (_S.RUNNING, _E.RETURNED): _S.QUEUED,
    (_S.RUNNING, _E.LOST): _S.FAILED,
    (_S.CANCELING, _E.SUCCEEDED): _S.COMPLETED,
    (_S.CANCELING, _E.ERRED): _S.CANCELED,
    (_S.CANCELING, _E.STOPPED): _S.CANCELED,
    (_S.CANCELING, _E.RETURNED): _S.CANCELED,
    (_S.CANCELING, _E.LOST): _S.CANCELED,
}

MAX_ATTEMPTS = 3
"""A run whose workers die this often is not handed out again: it is probably what kills them."""

REPEATABLE_KINDS = frozenset({"model"})
"""Kinds whose code only reads its input and whose results are published once: a second attempt changes nothing."""


class IllegalTransition(Conflict):
    """That event cannot happen to a run in that state."""

    code = "illegal_transition"


def next_state(state: RunState, event: RunEvent) -> RunState:
    """Return the state after the event.

    Raises:
        IllegalTransition: the table has no such row.

    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"A run that is {state} cannot be {event}.") from None


def worker_gone(*, state: RunState, kind: str, attempt: int) -> RunEvent:
    """Decide what happens to a claimed run whose worker is gone: user code that ran is not repeated unasked."""
    untouched = state is RunState.STARTING or kind in REPEATABLE_KINDS
    return RunEvent.RETURNED if untouched and attempt < MAX_ATTEMPTS else RunEvent.LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a run failed: a stable code and one sentence that says what to do. The traceback is in the log."""

    code: str
    message: str
    traceback: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as lists show it: without its specification, inputs and results.

    ``fence`` rises with each claim; ``attempt`` counts claims that began. ``deployment_job_id`` is the id in the ML
    API, ``id`` the one in the jobs API. ``place`` orders runs within the lane and across lanes.
    A ``pinned`` run outlives its retention; ``expires_at`` is set where the run itself asked for days; ``alarm_at`` is
    when to look whether it has not started or still works. ``rows_done``, ``rows_total`` and ``pace`` (`progress.py`)
    tell how far it is; the other numbers of rows are there when it has ended, of what counts its rows, and add up.
    """

    id: str
    deployment_job_id: str
    job_id: str
    space_id: str
    lane_id: str
    place: int
    name: str
    kind: str
    state: RunState
    requester_id: str
    created_at: datetime
    modified_at: datetime
    description: str = ""
    fence: int = 0
    attempt: int = 0
    worker_id: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cause: Cause | None = None
    warning: str | None = None
    retention_days: int | None = None
    deployment_id: str | None = None
    rows_done: int | None = None
    rows_total: int | None = None
    rows_read: int | None = None
    rows_scored: int | None = None
    rows_rejected: int | None = None
    rows_not_attempted: int | None = None
    pace: Mapping[str, Any] | None = None
    deleted_at: datetime | None = None
    scheduled_for: datetime | None = None
    pinned: bool = False
    expires_at: datetime | None = None
    alarm_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMoved:
    """A change of a run's state, for those who count. ``before_at`` is when the change before it was.

    ``rows`` are there where the run has ended and counts its rows: scored, rejected, not_attempted, resumed.
    """

    kind: str
    event: RunEvent
    before: RunState
    state: RunState
    at: datetime
    before_at: datetime
    started_at: datetime | None = None
    cause_code: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A row of a run's history."""

    run_id: str
    number: int
    event: RunEvent
    state: RunState
    at: datetime
    fence: int
    actor: str

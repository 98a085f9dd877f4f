"""The page of states: a run's from the table of transitions, the others from their enumerations."""

from __future__ import annotations

from enum import StrEnum

from gristmill.api.ml_v4.deployment_job_document import STATES as ML_STATES
from gristmill.api.v2.job_document import PLATFORM_STATES
from gristmill.domain.delivery import DeliveryState
from gristmill.domain.deployment import DeploymentState
from gristmill.domain.disposition import Disposition
from gristmill.domain.export import ExportState
from gristmill.domain.flow_progress import NodeState
from gristmill.domain.run import FINAL, MAX_ATTEMPTS, REPEATABLE_KINDS, TRANSITIONS, RunEvent, RunState
from gristmill.domain.space import SpaceState
from tests.reference.markdown import code, page, plain, table

_ABOUT = """
A run's state changes by the table below and by nothing else (`domain/run.py`: the very table that the server goes
by). The two APIs have words of their own for some states. A run that completed with rejected rows or another warning
is `CompletedWithWarnings` in the jobs API.
"""
_EVENTS = {
    RunEvent.CLAIMED: "a worker took it",
    RunEvent.STARTED: "its child is at work",
    RunEvent.SUCCEEDED: "it ended well, and its results are stored",
    RunEvent.ERRED: "it ended with a cause",
    RunEvent.CANCEL_REQUESTED: "somebody asked for it to be canceled",
    RunEvent.STOPPED: "its child was ended, as asked",
    RunEvent.RETURNED: "its worker stops or is gone, and it may be done again",
    RunEvent.LOST: "its worker is gone, and it may not be done again",
}
_OTHERS: dict[str, type[StrEnum]] = {
    "A node of a flow": NodeState,
    "A tick of a schedule": Disposition,
    "A delivery of a message": DeliveryState,
    "A deployment": DeploymentState,
    "A space": SpaceState,
    "An export or import": ExportState,
}


def text() -> str:
    """Return the page."""
    return page(
        "States",
        _ABOUT,
        "## A run",
        table(["state", "ML API", "jobs API", "is an end"], [_state(state) for state in RunState]),
        "## What follows what",
        table(["from", *RunState], [_row(state) for state in RunState if state not in FINAL]),
        "| what happens | means |\n|---|---|\n" + "\n".join(f"| {event} | {_EVENTS[event]} |" for event in RunEvent),
        _again(),
        *(part for title, kind in _OTHERS.items() for part in _enumeration(title, kind)),
    )


def _state(state: RunState) -> list[str]:
    return [code(state), code(ML_STATES.get(state, state)), code(PLATFORM_STATES[state]), "yes" * (state in FINAL)]


def _row(state: RunState) -> list[str]:
    """Return what leads from a state to each of the states."""
    leads = [", ".join(event for event in RunEvent if TRANSITIONS.get((state, event)) is target) for target in RunState]
    return [code(state), *leads]


def _again() -> str:
    kinds = ", ".join(sorted(REPEATABLE_KINDS))
    return (
        "A run whose worker is gone may be done again while it was starting, or if its kind is one of: "
        f"{kinds}; and at most {MAX_ATTEMPTS} times in all. "
        "User code of other kinds that had begun is not begun again unasked."
    )


def _enumeration(title: str, kind: type[StrEnum]) -> list[str]:
    about = plain(kind.__doc__)
    return [f"## {title}", code(*kind) + ".", "" if about.startswith(kind.__name__) else about]

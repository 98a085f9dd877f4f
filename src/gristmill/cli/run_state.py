"""The states in which runs end, by the names of both APIs, and what a command's exit code makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gristmill.cli.failures import CANCELED, CommandFailed

if TYPE_CHECKING:
    from gristmill.cli.client import Json

FINAL = frozenset({"completed", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run is: ``id`` in the ML API, and the job and run of the jobs API."""

    id: str
    job_id: str
    run_id: str

    @property
    def path(self) -> str:
        """The run's path in the jobs API."""
        return f"/v2/jobs/{self.job_id}/runs/{self.run_id}"


def place_of(document: Json) -> RunPlace:
    """Return where the run of a deployment job is."""
    platform = document["entity"]["platform_job"]
    return RunPlace(document["metadata"]["id"], platform["job_id"], platform["run_id"])


def plain_state(platform_state: str) -> str:
    """Return the ML API's word for a state of the jobs API: CompletedWithWarnings is completed."""
    return "completed" if platform_state.startswith("Completed") else platform_state.lower()


def judge(run_id: str, state: str, cause: Json | None) -> None:
    """Return where the run completed.

    Raises:
        CommandFailed: it failed (exit code 1; ``cause`` has code and message), or was canceled (3).

    """
    match state:
        case "failed":
            why = f": {cause['message']} [{cause['code']}]" if cause else "."
            raise CommandFailed(f"Run {run_id} failed{why}")
        case "canceled":
            raise CommandFailed(f"Run {run_id} was canceled.", exit_code=CANCELED)

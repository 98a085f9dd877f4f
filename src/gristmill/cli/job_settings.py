"""Options of a job that `create` and `edit` share: its environment, its limits, and how long its runs are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from gristmill.cli import job_request
from gristmill.cli.job_request import Env
from gristmill.cli.secret_variables import Secrets, read_secrets
from gristmill.cli.threshold import Threshold, wire
from gristmill.domain.retention import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a job has beside its work, as the command line says it."""

    env: Env = None
    secrets: Secrets = None
    max_running: Annotated[
        int | None,
        typer.Option("--max-running", min=1, help="How many runs may work at once, for a job of an asset."),
    ] = None
    time_limit: Annotated[
        int | None, typer.Option("--time-limit", metavar="SECONDS", min=1, help="How long a run may work.")
    ] = None
    entrypoint: Annotated[
        str | None, typer.Option("--entrypoint", metavar="FILE", help="What to run of a code package, such as main.py.")
    ] = None
    error_threshold: Threshold = None
    network: Annotated[
        bool | None,
        typer.Option("--network/--no-network", help="Whether runs may use the network; by default, by kind."),
    ] = None
    keep_runs: Annotated[
        int | None, typer.Option("--keep-runs", metavar="N", min=1, help="Keep so many of the newest runs.")
    ] = None
    keep_days: Annotated[
        int | None, typer.Option("--keep-days", metavar="N", min=1, help="Keep runs for so many days.")
    ] = None
    results: Annotated[
        Results | None,
        typer.Option("--results", help="What becomes of a run's result when the run goes; by default, keep."),
    ] = None

    def configuration(self, *, hardware: str | None) -> dict[str, Any]:
        """Return the members of a job's ``configuration`` that were given."""
        job_request.variables(self.env or ())
        wanted = {
            "env_variables": list(self.env) if self.env else None,
            "secret_env_variables": read_secrets(self.secrets) if self.secrets else None,
            "hardware_spec": {"name": hardware} if hardware else None,
            "max_running": self.max_running,
            "timeout_seconds": self.time_limit,
            "entrypoint": self.entrypoint,
            "error_threshold": wire(self.error_threshold),
            "network": self.network,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    def retention(self) -> dict[str, Any]:
        """Return ``retention_policy`` where it was given.

        Raises:
            BadParameter: both were given.

        """
        if self.keep_runs is not None and self.keep_days is not None:
            raise typer.BadParameter("give --keep-runs or --keep-days, not both.", param_hint="--keep-days")
        policy = {"amount": self.keep_runs, "days": self.keep_days}
        wanted: dict[str, Any] = {name: value for name, value in policy.items() if value is not None}
        if self.results is not None and not wanted:
            raise typer.BadParameter("it goes with --keep-runs or --keep-days.", param_hint="--results")
        if self.results is not None:
            wanted["results"] = str(self.results)
        return {"retention_policy": wanted} if wanted else {}

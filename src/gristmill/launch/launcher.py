"""What the engine asks of a launcher, and the little it learns about a child. `process.py` is the local one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run directory to be run.

    ``warm_key`` names the deployment revision whose child may serve it and may stay for the next one; None asks for a
    fresh child. ``memory_limit_bytes`` bounds the child's private memory.
    """

    directory: Path
    warm_key: str | None = None
    memory_limit_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a child left a run directory: it answered (``exit_code`` is None), exited, or was ended by a signal."""

    exit_code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False


class Child(Protocol):
    """A child at work on one run directory. It says nothing about results: those are in the directory."""

    def wait(self, timeout_seconds: float) -> Ending | None:
        """Wait for the run's end; None when the time is over first."""

    def terminate(self) -> None:
        """Ask the whole process group to stop (SIGTERM)."""

    def kill(self) -> None:
        """End the whole process group (SIGKILL)."""

    def release(self) -> None:
        """Let go of the child: it may stay warm if the run ended well, else it and its group are ended."""


class Launcher(Protocol):
    """Starts children. All of its methods may be called from any thread."""

    def launch(self, order: Order) -> Child:
        """Start (or wake) a child for the order; returns at once.

        Raises:
            LaunchFailed: no child could be started.

        """

    def close(self) -> None:
        """End every child, at work or idle, and wait until they are gone."""


class LaunchFailed(Exception):
    """No child process could be started."""

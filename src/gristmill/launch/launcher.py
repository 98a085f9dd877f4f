"""What the engine asks of a launcher, and the little it learns about a child.

`process.py` is the local one, `ray.py` that of a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gristmill.launch.environments import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run directory to be run.

    ``warm_key`` names the deployment revision whose child may serve it and may stay for the next one; None asks for a
    fresh child. ``memory_limit_bytes`` bounds the child's private memory, ``cpus`` the processors that it and all that
    it starts use, ``file_bytes`` the size of a file that it writes. Without an ``environment`` it is the launcher's
    own. In a sandbox it may read the paths ``readable`` too, and use the network only where ``network`` is true.
    Values of ``secrets`` are masked in the run's log. A cluster scores a model on as many as ``nodes``; orders with one
    word of ``apart`` go to different ones, where these have room.
    """

    directory: Path
    environment: Environment | None = None
    warm_key: str | None = None
    memory_limit_bytes: int | None = None
    cpus: float | None = None
    file_bytes: int | None = None
    network: bool = True
    readable: Sequence[Path] = ()
    secrets: Sequence[str] = ()
    nodes: int = 1
    apart: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a child left a run directory: it answered (``exit_code`` is None), exited, or was ended by a signal.

    ``out_of_memory`` tells that the kernel ended it, or a process that it started, because its memory was used up.
    What it used and what it was held to do not make two endings different.
    """

    exit_code: int | None = None
    signal: int | None = None
    out_of_memory: bool = False
    peak_bytes: int | None = field(default=None, compare=False)
    cpu_seconds: float | None = field(default=None, compare=False)
    isolation: tuple[str, ...] = field(default=(), compare=False)


class Child(Protocol):
    """A child at work on one run directory. It says nothing about results: those are in the directory."""

    def wait(self, timeout_seconds: float) -> Ending | None:
        """Wait for the run's end; None when the time is over first.

        Raises:
            LaunchFailed: it could not be started after all.
            ChildLost: nobody knows what became of it.

        """

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


class ChildLost(Exception):
    """The machine that the child worked on is gone, or cut off; the run itself is not to blame."""

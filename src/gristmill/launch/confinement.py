"""How a launcher shuts its children in: what is wanted, what this machine has, and a box and a group for each."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gristmill.launch.boxes import Boxes, OpenBox
from gristmill.launch.cgroups import Cgroups, Group, Share
from gristmill.launch.launcher import LaunchFailed, Order
from gristmill_runner.sandbox import REQUIRED, Box, missing

Sandbox = Literal["auto", "required", "off"]
_log = logging.getLogger("gristmill.launch")


@dataclass(frozen=True, slots=True)
class Confined:
    """What one child is shut in with, and the word of it that the zygote gets."""

    box: OpenBox | None = None
    group: Group | None = None
    request: Box | None = None

    def remove(self) -> None:
        """Remove both, where no child came of it."""
        if self.group is not None:
            self.group.remove()
        if self.box is not None:
            self.box.remove()


@dataclass
class Confinement:
    """``sandbox``: auto shuts children in as far as this machine can, required refuses runs where it cannot, off not.

    ``readable`` are paths that every run may read, besides the system's own and those of its order; ``served`` is where
    run directories have their places.
    """

    directory: Path
    sandbox: Sandbox = "auto"
    readable: tuple[Path, ...] = ()
    served: Path | None = None
    held: list[str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.sandbox == "off":
            _log.warning("sandbox.off", extra={"holds": "nothing"})
            return
        self._boxes = Boxes(self.directory, self.served)
        self._cgroups = Cgroups()

    @property
    def wants_probe(self) -> bool:
        """Whether nobody has told yet what holds here."""
        return self.sandbox != "off" and self.held is None

    def probed(self, held: list[str]) -> None:
        """Take in what holds here, and say so in one line."""
        self.held = held
        lacks = [name for name in (*REQUIRED, "netns") if name not in held]
        says = {"holds": " ".join([*held, *self._cgroups.held]), "lacks": " ".join(lacks) or "nothing"}
        _log.log(logging.WARNING if lacks else logging.INFO, "sandbox.ready", extra=says)

    def confine(self, order: Order) -> Confined:
        """Make what a child for the order needs.

        Raises:
            LaunchFailed: the sandbox is required, and this machine lacks what it needs.

        """
        if self.sandbox == "off":
            return Confined()
        lacks = missing(self.held or [], network=order.network)
        if self.sandbox == "required" and lacks:
            raise LaunchFailed(
                f"GRISTMILL_SANDBOX is required, and this worker's machine lacks {', '.join(lacks)}. "
                "Run the worker where these are allowed, or set it to auto."
            )
        box, group = self._boxes.new(), self._cgroups.new(Share(memory_bytes=order.memory_limit_bytes, cpus=order.cpus))
        request = Box(
            directory=str(box.directory),
            readable=[str(path) for path in (*self.readable, *order.readable)],
            network=order.network,
            groups=group.entrances,
            file_bytes=order.file_bytes,
        )
        return Confined(box, group, request)

"""Which zygotes there are: one an environment, of which those that nothing needs end after a while."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from gristmill.launch.environments import Environment
from gristmill.launch.zygote import Zygote


@dataclass(eq=False)
class Nest:
    """The place of one environment's zygote. ``failure`` says why there is none, ``wanted`` how many wait for it."""

    environment: Environment
    zygote: Zygote | None = None
    ready: bool = False
    failure: str = ""
    wanted: int = 0
    used_at: float = field(default_factory=time.monotonic)


class Nests:
    """All of a launcher's nests. Its methods are called with the launcher's lock held; none starts or ends anything."""

    def __init__(self, first: Environment, *, idle_seconds: float, most: int) -> None:
        self._first = first.name
        self._idle_seconds = idle_seconds
        self._most = most
        self._nests = {first.name: Nest(first)}

    def of(self, environment: Environment) -> Nest:
        """Return an environment's nest, a new one where it has none."""
        return self._nests.setdefault(environment.name, Nest(environment))

    def zygotes(self) -> list[Zygote]:
        """Return the zygotes that there are."""
        return [nest.zygote for nest in self._nests.values() if nest.zygote is not None]

    def used(self, zygote: Zygote) -> None:
        """Note that a zygote was needed until now."""
        for nest in self._nests.values():
            if nest.zygote is zygote:
                nest.used_at = time.monotonic()

    def expired(self, now: float, *, at_work: Sequence[Zygote]) -> list[Zygote]:
        """Take out the zygotes that have had no children for too long, or that are too many, and return them."""
        idle = [nest for nest in self._nests.values() if self._is_idle(nest, at_work)]
        surplus = len(self.zygotes()) - self._most
        idle.sort(key=lambda nest: nest.used_at)
        ended = [
            nest for number, nest in enumerate(idle) if number < surplus or now - nest.used_at >= self._idle_seconds
        ]
        for nest in ended:
            del self._nests[nest.environment.name]
        return [nest.zygote for nest in ended if nest.zygote is not None]

    def empty(self) -> list[Zygote]:
        """Take out every zygote and return them."""
        zygotes = self.zygotes()
        self._nests.clear()
        return zygotes

    def _is_idle(self, nest: Nest, at_work: Sequence[Zygote]) -> bool:
        return nest.environment.name != self._first and not nest.wanted and nest.zygote not in at_work

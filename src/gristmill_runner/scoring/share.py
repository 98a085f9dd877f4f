"""Which chunks of an input are one node's to score, where several score one run."""

from __future__ import annotations

from dataclasses import dataclass

from gristmill_runner.protocol import Spec


@dataclass
class Share:
    """One of ``of`` shares. ``begin`` is the first chunk that is dealt out, None while number 0 does not know it."""

    number: int
    of: int
    begin: int | None

    @classmethod
    def of_run(cls, spec: Spec) -> Share:
        """Return the share that a run is about, all of the input where it has none."""
        told = spec.get("share")
        return cls(told["number"], told["of"], told.get("begin")) if told else cls(0, 1, 0)

    def has(self, chunk: int) -> bool:
        """Tell whether a chunk is in it."""
        if self.begin is None or chunk < self.begin:
            return self.number == 0
        return (chunk - self.begin) % self.of == self.number

    def behind(self, done: int) -> int:
        """Return the number of the chunk behind the last of its first ``done`` chunks."""
        if self.begin is None:
            return done
        before = min(done, self.begin) if self.number == 0 else 0
        dealt = done - before
        return self.begin + self.number + (dealt - 1) * self.of + 1 if dealt else before

    def index(self, chunk: int) -> int:
        """Return how many of its chunks come before one of them."""
        if self.begin is None or chunk < self.begin:
            return chunk
        return (self.begin if self.number == 0 else 0) + (chunk - self.begin) // self.of

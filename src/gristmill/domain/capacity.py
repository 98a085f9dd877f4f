"""Processors and memory: what a worker offers, what its runs reserve, and what is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

_GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """An amount of both: ``millicores`` are thousandths of a processor."""

    millicores: int = 0
    memory_bytes: int = 0

    @classmethod
    def of(cls, *, cpus: float | None, memory_bytes: int | None) -> Self:
        """Return the capacity of so many processors; None is nothing."""
        return cls(millicores=round((cpus or 0) * 1000), memory_bytes=memory_bytes or 0)

    def fits(self, room: Capacity) -> bool:
        """Tell whether there is room for as much."""
        return self.millicores <= room.millicores and self.memory_bytes <= room.memory_bytes

    def within(self, offered: Capacity) -> Capacity:
        """Return what of it there is: of neither more than is offered."""
        return Capacity(
            millicores=min(self.millicores, offered.millicores),
            memory_bytes=min(self.memory_bytes, offered.memory_bytes),
        )

    def without(self, taken: Iterable[Capacity]) -> Capacity:
        """Return what is left when this much was taken."""
        taken = list(taken)
        return Capacity(
            millicores=self.millicores - sum(each.millicores for each in taken),
            memory_bytes=self.memory_bytes - sum(each.memory_bytes for each in taken),
        )

    def __str__(self) -> str:
        return f"{self.millicores / 1000:g} CPU and {self.memory_bytes / _GIB:.3g} GiB"

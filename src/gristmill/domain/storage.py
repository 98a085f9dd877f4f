"""What takes how much room, and how long the rest lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GROWTH_DAYS = 7
"""From how many days the growth is reckoned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSize:
    """Content of one kind: how many pieces, and their bytes, reckoned from a part of them unless ``exact``."""

    kind: str
    number: int
    size: int
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageUse:
    """Sizes in bytes; ``recent`` is how many of them came within `GROWTH_DAYS`.

    ``place`` is where content lies. Its disk is not known where that is a bucket.
    """

    contents: Sequence[ContentSize]
    place: str
    disk_total: int | None
    disk_free: int | None
    recent: int
    growth_days: int = GROWTH_DAYS

    @property
    def growth_a_day(self) -> int:
        """Return how many bytes came a day."""
        return self.recent // self.growth_days

    @property
    def days_left(self) -> float | None:
        """Return for how many days the free room lasts if it goes on so; None if nothing grows, or in a bucket."""
        if self.disk_free is None or not self.growth_a_day:
            return None
        return round(self.disk_free / self.growth_a_day, 1)

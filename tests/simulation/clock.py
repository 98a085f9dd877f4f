"""Time in a simulation: what is true, and what the clock of each server shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass
class TrueTime:
    """It stands until it is moved, and never goes back."""

    now: datetime = START

    def advance(self, by: timedelta) -> None:
        self.now += by


@dataclass
class ServerClock:
    """Shows the true time and an error, which may change at any moment. ``set_at`` is when it last did."""

    time: TrueTime
    error: timedelta = timedelta(0)
    set_at: datetime = field(default=START - timedelta(days=1))

    def __call__(self) -> datetime:
        return self.time.now + self.error

    def set(self, error: timedelta) -> None:
        self.error, self.set_at = error, self.time.now

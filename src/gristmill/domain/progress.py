"""How far a run is, how fast it goes, and when it probably ends. Pure: whoever looks tells the time."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

WINDOW_SECONDS = 60.0
"""The rate is that of the last minute: a run may have been slower or faster before."""
_FEWEST_SECONDS = 1.0
_MOST_SECONDS_LEFT = 10 * 365 * 24 * 3600.0
_MOST_LOOKS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is known of a run at work; rates are per second, None where there is nothing to measure yet."""

    rows_done: int
    rows_total: int | None = None
    rows_rejected: int | None = None
    bytes_done: int | None = None
    bytes_total: int | None = None
    rows_per_second: float | None = None
    estimated_end: datetime | None = None

    def pace(self) -> dict[str, Any]:
        """Return what goes with the numbers of rows, as the store keeps it: only what is known."""
        known = {
            "rows_rejected": self.rows_rejected,
            "bytes_done": self.bytes_done,
            "bytes_total": self.bytes_total,
            "rows_per_second": self.rows_per_second,
            "estimated_end": self.estimated_end.isoformat() if self.estimated_end else None,
        }
        return {name: value for name, value in known.items() if value is not None}


@dataclass(frozen=True, slots=True)
class _Look:
    at_seconds: float
    rows: int
    size: int | None


@dataclass(slots=True)
class Pace:
    """Measures one run: it remembers how far it was at each look of the last minute."""

    _looks: deque[_Look] = field(default_factory=lambda: deque(maxlen=_MOST_LOOKS))

    def take(self, told: Mapping[str, Any], *, at_seconds: float, now: datetime) -> Progress:
        """Return the progress that a line of the child tells, with rate and probable end.

        ``told`` is a line of the progress file, words of user code; ``at_seconds`` is a clock that only goes forward.
        """
        done = _number(told.get("rows_done")) or 0
        total, size, whole = (_number(told.get(name)) for name in ("rows_total", "bytes_done", "bytes_total"))
        look = _Look(at_seconds, done, size)
        first = self._oldest(look)
        self._looks.append(look)
        seconds = at_seconds - first.at_seconds if first else 0.0
        rate = (done - first.rows) / seconds if first and seconds >= _FEWEST_SECONDS else None
        left = _seconds_left(look, first, seconds, total=total, whole=whole)
        return Progress(
            rows_done=done,
            rows_total=total,
            rows_rejected=_number(told.get("rows_rejected")),
            bytes_done=size,
            bytes_total=whole,
            rows_per_second=round(rate, 3) if rate is not None else None,
            estimated_end=now + timedelta(seconds=left) if left is not None else None,
        )

    def _oldest(self, look: _Look) -> _Look | None:
        """Forget what is older than the window, but for one look: a run that stands still has a rate of nothing."""
        while len(self._looks) > 1 and look.at_seconds - self._looks[1].at_seconds >= WINDOW_SECONDS:
            self._looks.popleft()
        if self._looks and self._looks[0].rows > look.rows:
            self._looks.clear()
        return self._looks[0] if self._looks else None


def _seconds_left(
    look: _Look, first: _Look | None, seconds: float, *, total: int | None, whole: int | None
) -> float | None:
    """Judge by rows where their number is known, by bytes otherwise."""
    if first is None or seconds < _FEWEST_SECONDS:
        return None
    if total is not None:
        moved, left = look.rows - first.rows, total - look.rows
    elif whole is not None and look.size is not None and first.size is not None:
        moved, left = look.size - first.size, whole - look.size
    else:
        return None
    if left <= 0:
        return 0.0
    found = left * seconds / moved if moved > 0 else None
    return found if found is not None and found <= _MOST_SECONDS_LEFT else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

"""Who made a change, and when by its own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """``role`` is the loop that committed, or ``user``; ``now`` is what its server's clock showed."""

    role: str
    now: datetime

"""Wrong passwords in a row for one user name: how long none is looked at after how many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FREE_FAILURES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockout:
    """Of a user name: wrong passwords in a row, when the last one came, and until when none is looked at."""

    user_name: str
    failures: int
    failed_at: datetime
    locked_until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether no password for this name is looked at now."""
        return self.locked_until is not None and now < self.locked_until


def failed_again(before: Lockout | None, user_name: str, *, now: datetime) -> Lockout:
    """Count one more wrong password. From the fifth on each one doubles the wait, up to a quarter of an hour."""
    known = before.failures if before and now - before.failed_at < FORGOTTEN_AFTER else 0
    failures = known + 1
    over = failures - FREE_FAILURES
    # The exponent is bounded: a name that is tried for days must not become a number of a thousand digits.
    wait = min(FIRST_WAIT * 2 ** min(over, 10), LONGEST_WAIT) if over >= 0 else None
    return Lockout(user_name=user_name, failures=failures, failed_at=now, locked_until=now + wait if wait else None)

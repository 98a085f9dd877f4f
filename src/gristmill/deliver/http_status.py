"""What the status of an HTTP answer says about another attempt."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_RETRY_AFTER_SECONDS = 6 * 3600.0
_TEMPORARY = frozenset({408, 425, 429})


def is_permanent(status: int) -> bool:
    """Return whether the receiver would answer the same to another attempt."""
    return status not in _TEMPORARY and status < 500


def retry_after_seconds(value: str | None, *, now: datetime) -> float | None:
    """Read a Retry-After header: seconds or a date (RFC 9110, 10.2.3). At most six hours; None where it is unclear."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdecimal() else (_date(value) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MOST_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else MOST_RETRY_AFTER_SECONDS


def _date(value: str) -> datetime:
    moment = parsedate_to_datetime(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

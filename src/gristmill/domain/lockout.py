"""Wrong passwords, by user name and by address: how long none is looked at after how many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

FREE_FAILURES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
FREE_FROM_ADDRESS = 30
"""Many people may share an address, and mistype."""
FORGIVEN_EVERY = timedelta(minutes=1)
"""How soon one wrong password from an address is forgiven; a right one forgives none, for guessers may have one too."""
_NET_OF_ONE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Lockout:
    """Of a user name or an address: wrong passwords, when the last one came, and until when none is looked at."""

    whose: str
    failures: int
    failed_at: datetime
    locked_until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether no password is looked at now."""
        return self.locked_until is not None and now < self.locked_until


def failed_again(before: Lockout | None, user_name: str, *, now: datetime) -> Lockout:
    """Count one more wrong password for a name. From the fifth on each doubles the wait, up to a quarter of an hour."""
    known = before.failures if before and now - before.failed_at < FORGOTTEN_AFTER else 0
    return _counted(user_name, known + 1, over=known + 1 - FREE_FAILURES, now=now)


def failed_again_from(before: Lockout | None, address: str, *, now: datetime) -> Lockout:
    """Count one more wrong password from an address, whatever the name; one a minute is forgiven."""
    known = max(0, before.failures - int((now - before.failed_at) / FORGIVEN_EVERY)) if before else 0
    return _counted(address, known + 1, over=known + 1 - FREE_FROM_ADDRESS, now=now)


def shared_address(address: str) -> str:
    """Return what stands for an address here: of IPv6 the network that one customer has, for it has all of that."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, _NET_OF_ONE), strict=False))


def _counted(whose: str, failures: int, *, over: int, now: datetime) -> Lockout:
    # The exponent is bounded: a name that is tried for days must not become a number of a thousand digits.
    wait = min(FIRST_WAIT * 2 ** min(over, 10), LONGEST_WAIT) if over >= 0 else None
    return Lockout(whose=whose, failures=failures, failed_at=now, locked_until=now + wait if wait else None)

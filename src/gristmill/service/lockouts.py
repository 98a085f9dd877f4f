"""Guessing made slow: after wrong passwords for a user name or from an address, none is looked at for a while."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from gristmill.domain.errors import Busy, LockedOut
from gristmill.domain.lockout import FORGOTTEN_AFTER, Lockout, failed_again, failed_again_from, shared_address
from gristmill.service.context import Context
from gristmill.store import lockouts
from gristmill.store.database import Connection
from gristmill.store.lockouts import OF_ADDRESSES, OF_NAMES, Kept

T = TypeVar("T")
LONGEST_NAME = 255
_LONGEST_ADDRESS = 64


def attempt(context: Context, user_name: str, prove: Callable[[], T | None]) -> T | None:
    """Return what ``prove`` finds for the secret that somebody gave with a user name; None is counted as a failure.

    Names that nobody has are counted like others, so that they cannot be told apart. API keys alone, without a name
    and a password, are too long to be guessed: see `wrong_key`.

    Raises:
        LockedOut: there were too many failures in a row for the name; the secret was not looked at.
        Busy: there were too many from this address, whatever the names.

    """
    name, now = user_name[:LONGEST_NAME], context.now()
    address = _address(context)
    with context.database.snapshot() as connection:
        known = lockouts.get(connection, OF_NAMES, name)
        of_address = lockouts.get(connection, OF_ADDRESSES, address) if address else None
    _refuse(of_address, known, now)
    proven = prove()
    if proven is None:
        _count(context, name, address, now)
    elif known:
        with context.database.transaction() as connection:
            lockouts.forget(connection, OF_NAMES, name)
    return proven


def wrong_key(context: Context) -> None:
    """Count an API key that opens nothing, by its address, so that nobody fills the audit log with them.

    Right keys from there go on to be served, and so do passwords: many programs may share the address.

    Raises:
        Busy: there were too many; this one is not counted.

    """
    address, now = _address(context), context.now()
    if address is None:
        return
    whose = f"keys {address}"[:_LONGEST_ADDRESS]
    with context.database.snapshot() as connection:
        _refuse(lockouts.get(connection, OF_ADDRESSES, whose), None, now)
    with context.database.transaction() as connection:
        before = _locked(connection, OF_ADDRESSES, whose, now)
        lockouts.put(connection, OF_ADDRESSES, failed_again_from(before, whose, now=now))


def _refuse(of_address: Lockout | None, of_name: Lockout | None, now: datetime) -> None:
    if of_address and of_address.locked_until and of_address.holds(now):
        until = of_address.locked_until
        raise Busy(
            f"Too many wrong passwords or keys from this address. Try again after {until:%H:%M:%S} UTC.",
            code="too_many_sign_ins",
            retry_seconds=_seconds(until - now),
        )
    if of_name and of_name.locked_until and of_name.holds(now):
        raise LockedOut(of_name.locked_until, retry_seconds=_seconds(of_name.locked_until - now))


def _count(context: Context, name: str, address: str | None, now: datetime) -> None:
    with context.database.transaction() as connection:
        for kept in (OF_NAMES, OF_ADDRESSES):
            lockouts.forget_before(connection, kept, now - FORGOTTEN_AFTER)
        before = _locked(connection, OF_NAMES, name, now)
        lockouts.put(connection, OF_NAMES, failed_again(before, name, now=now))
        if address:
            before = _locked(connection, OF_ADDRESSES, address, now)
            lockouts.put(connection, OF_ADDRESSES, failed_again_from(before, address, now=now))


def _locked(connection: Connection, kept: Kept, whose: str, now: datetime) -> Lockout:
    # Guesses may come side by side; each one counts.
    return lockouts.lock(connection, kept, Lockout(whose=whose, failures=0, failed_at=now))


def _address(context: Context) -> str | None:
    return shared_address(context.address)[:_LONGEST_ADDRESS] if context.address else None


def _seconds(wait: timedelta) -> int:
    return math.ceil(wait.total_seconds())

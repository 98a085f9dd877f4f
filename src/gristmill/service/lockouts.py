"""Guessing made slow: after five wrong passwords in a row for a user name, none is looked at for a while."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from gristmill.domain.errors import LockedOut
from gristmill.domain.lockout import FORGOTTEN_AFTER, Lockout, failed_again
from gristmill.service.context import Context
from gristmill.store import lockouts

T = TypeVar("T")
LONGEST_NAME = 255


def attempt(context: Context, user_name: str, prove: Callable[[], T | None]) -> T | None:
    """Return what ``prove`` finds for the secret that somebody gave with a user name; None is counted as a failure.

    Names that nobody has are counted like others, so that they cannot be told apart. API keys alone, without a name
    and a password, are too long to be guessed and do not come here.

    Raises:
        LockedOut: there were too many failures in a row; the secret was not looked at.

    """
    name, now = user_name[:LONGEST_NAME], context.now()
    with context.database.snapshot() as connection:
        known = lockouts.get(connection, name)
    if known and known.locked_until and known.holds(now):
        wait = known.locked_until - now
        raise LockedOut(known.locked_until, retry_seconds=math.ceil(wait.total_seconds()))
    proven = prove()
    if proven is None:
        _count(context, name, now)
    elif known:
        with context.database.transaction() as connection:
            lockouts.forget(connection, name)
    return proven


def _count(context: Context, name: str, now: datetime) -> None:
    with context.database.transaction() as connection:
        lockouts.forget_before(connection, now - FORGOTTEN_AFTER)
        # Guesses may come side by side; each one counts.
        before = lockouts.lock(connection, Lockout(user_name=name, failures=0, failed_at=now))
        lockouts.put(connection, failed_again(before, name, now=now))

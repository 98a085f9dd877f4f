"""Wrong passwords in a row, by user name, and those that came from an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Table, delete, select, update

from gristmill.domain.lockout import Lockout
from gristmill.store.database import Connection
from gristmill.store.rows import insert_new
from gristmill.store.schema import address_lockouts, lockouts


@dataclass(frozen=True)
class Kept:
    """What is kept of those that a column tells apart."""

    table: Table
    whose: Column[Any]


OF_NAMES = Kept(lockouts, lockouts.c.user_name)
OF_ADDRESSES = Kept(address_lockouts, address_lockouts.c.address)


def get(connection: Connection, kept: Kept, whose: str, *, locked: bool = False) -> Lockout | None:
    """Return what is known of one; ``locked``, nobody else counts it until the transaction ends."""
    table = kept.table
    query = select(kept.whose.label("whose"), table.c.failures, table.c.failed_at, table.c.locked_until)
    query = query.where(kept.whose == whose)
    row = connection.execute(query.with_for_update() if locked else query).mappings().first()
    return Lockout(**row) if row else None


def lock(connection: Connection, kept: Kept, first: Lockout) -> Lockout:
    """Return what is known of one, or else ``first``; nobody else counts it until the transaction ends."""
    insert_new(connection, kept.table, [_values(kept, first)], key=[kept.whose.name])
    return get(connection, kept, first.whose, locked=True) or first


def put(connection: Connection, kept: Kept, lockout: Lockout) -> None:
    """Write what is known of one that was locked."""
    connection.execute(update(kept.table).where(kept.whose == lockout.whose).values(_values(kept, lockout)))


def forget(connection: Connection, kept: Kept, whose: str) -> None:
    """Forget one."""
    connection.execute(delete(kept.table).where(kept.whose == whose))


def forget_before(connection: Connection, kept: Kept, moment: datetime) -> None:
    """Forget those of which no wrong password has come since."""
    connection.execute(delete(kept.table).where(kept.table.c.failed_at < moment))


def _values(kept: Kept, lockout: Lockout) -> dict[str, Any]:
    return {
        kept.whose.name: lockout.whose,
        "failures": lockout.failures,
        "failed_at": lockout.failed_at,
        "locked_until": lockout.locked_until,
    }

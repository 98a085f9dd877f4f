"""The ring of keys: wrapped in the database, opened with the server's secret key."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gristmill.domain.data_key import FIRST, DataKey, Purpose
from gristmill.domain.errors import Conflict
from gristmill.service import master_key
from gristmill.service.context import Context
from gristmill.service.master_key import KEY_BYTES, KeyUnfit, Ring, derived_key, fingerprint, unwrapped, wrapped
from gristmill.service.secrets import Secrets
from gristmill.store import data_keys, users
from gristmill.store.database import Connection, ConstraintViolated, Database

_WAY_OUT = (
    f"Give the one it had as GRISTMILL_SECRET_KEY, or put its file back as {master_key.FILE} into the data directory. "
    "If it is lost: gristmill keys abandon."
)


def open_ring(database: Database, data_dir: Path, given: str | None, *, now: datetime) -> Secrets:
    """Return the secrets of an installation; its keys are made the first time.

    Raises:
        KeyUnfit: the keys are wrapped by another secret key.
        Invalid: the given key is shorter than 32 characters.

    """
    with database.snapshot() as connection:
        there = bool(data_keys.every(connection))
    if not there:
        _make_first(database, master_key.master_key(data_dir, given), now)

    def read() -> Ring:
        with database.snapshot() as connection:
            keys = data_keys.every(connection)
        return ring_of(master_of(keys, data_dir, given), keys)

    return Secrets(read(), read=read)


def every(context: Context) -> list[DataKey]:
    """Return all keys, the newest first."""
    with context.database.snapshot() as connection:
        return data_keys.every(connection)


def abandon(database: Database, data_dir: Path, given: str | None, *, now: datetime) -> None:
    """Give up keys that nobody can unwrap any more, and make new ones.

    With them go all API keys, sessions and tokens, and every secret that was stored; passwords stay.

    Raises:
        Conflict: the secret key that is there unwraps them.

    """
    master = master_key.master_key(data_dir, given)
    with database.transaction() as connection:
        if fits(master, data_keys.every(connection, locked=True)):
            raise Conflict("The secret key fits. Nothing needs to be given up; `gristmill keys rotate` makes new keys.")
        data_keys.remove_all(connection)
        data_keys.add(connection, [new_key(master, purpose, now) for purpose in Purpose])


def new_key(master: bytes, purpose: Purpose, now: datetime) -> DataKey:
    """Return a new key, wrapped by the master key."""
    return DataKey(
        id=secrets.token_hex(4),
        purpose=purpose,
        wrapped=wrapped(master, secrets.token_bytes(KEY_BYTES)),
        wrapped_by=fingerprint(master),
        created_at=now,
    )


def ring_of(master: bytes, keys: Sequence[DataKey]) -> Ring:
    """Return the keys unwrapped, those in use first.

    Raises:
        KeyUnfit: another master key wraps them.

    """
    check(master, keys)
    ring = defaultdict(list)
    for key in sorted(keys, key=lambda key: key.retired_at is not None):
        ring[key.purpose].append((key.id, unwrapped(master, key.wrapped)))
    return ring


def master_of(keys: Sequence[DataKey], data_dir: Path, given: str | None) -> bytes:
    """Return the master key that is there, and end a rotation that was cut off before the file was exchanged.

    Raises:
        KeyUnfit: there is none.
        Invalid: the given key is shorter than 32 characters.

    """
    master = master_key.present_key(data_dir, given)
    follows = None if given else master_key.next_key(data_dir)
    if follows and fits(follows, keys) and not (master and fits(master, keys)):
        master_key.take_next(data_dir)
        return follows
    if master is None:
        raise KeyUnfit(f"There is no {data_dir / master_key.FILE}. {_WAY_OUT}", field="secret_key")
    return master


def check(master: bytes, keys: Sequence[DataKey]) -> None:
    """Check that this master key wraps them all.

    Raises:
        KeyUnfit: it does not.

    """
    if not fits(master, keys):
        there = ", ".join(sorted({key.wrapped_by for key in keys}))
        raise KeyUnfit(
            f"The secret key (fingerprint {fingerprint(master)}) is not the one of this database ({there}). {_WAY_OUT}",
            field="secret_key",
        )


def _make_first(database: Database, master: bytes, now: datetime) -> None:
    # Of several servers that start at once one is the first; the others use what it made.
    with suppress(ConstraintViolated), database.transaction() as connection:
        data_keys.add(connection, [_first(connection, master, purpose, now) for purpose in Purpose])


def _first(connection: Connection, master: bytes, purpose: Purpose, now: datetime) -> DataKey:
    """Return a new key; in an installation from before there were any, the one that everything hangs on there."""
    if not users.exist(connection):
        return new_key(master, purpose, now)
    return replace(new_key(master, purpose, now), id=FIRST, wrapped=wrapped(master, derived_key(master, purpose)))


def fits(master: bytes, keys: Sequence[DataKey]) -> bool:
    """Tell whether this master key wraps them all."""
    return all(key.wrapped_by == fingerprint(master) for key in keys)

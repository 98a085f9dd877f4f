"""Rotation: another secret key, new keys under it, and stored secrets encrypted with these."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gristmill.domain.audit import Act
from gristmill.domain.data_key import KEPT_AFTER_RETIRING, RENEWED, Purpose
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.user import Actor
from gristmill.launch.file_lock import FileLock
from gristmill.service import audit, master_key
from gristmill.service.context import Context
from gristmill.service.data_keys import check, every, master_of, new_key, ring_of
from gristmill.service.master_key import fingerprint, unwrapped, wrapped
from gristmill.service.secrets import Secrets, SecretUnreadable
from gristmill.store import data_keys, sealed

_ROWS_AT_ONCE = 200
_ROTATED = Act("keys.rotate", None, Actor(user_id="", user_name="gristmill keys rotate"))
_ENDED_AT_ONCE = (Purpose.TOKENS, Purpose.LINKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """How many rows with secrets were encrypted anew, and how many secrets no key that is there can read."""

    rows: int = 0
    unreadable: int = 0


def rotate_installation(
    context: Context, given: str | None, *, given_next: str | None = None, now_ended: bool = False
) -> Resealed:
    """Rotate the keys of an installation: a key file gets a new secret key, a given one is followed by ``given_next``.

    Raises:
        Invalid: a key is given, and none to follow it; or that one is too short.
        Conflict: another rotation is at work.
        KeyUnfit: the present secret key does not fit.

    """
    if given:
        follows = master_key.given_key(given_next or "", name="The new secret key")
        return rotate(context, given.encode(), new_master=follows, now_ended=now_ended)
    if given_next:
        raise Invalid("The secret key is in a file here; a rotation makes the next one itself. Give none.")
    held = FileLock(context.data_dir / "secret.key.lock")
    if not held.take(shared=False):
        raise Conflict("Another rotation is at work on this data directory. Wait for its end.")
    try:
        return _rotate_file(context, now_ended=now_ended)
    finally:
        held.release()


def rotate(context: Context, master: bytes, *, new_master: bytes, now_ended: bool = False) -> Resealed:
    """Wrap all keys by another master key, make new ones for what comes, and encrypt stored secrets anew.

    What the keys before have signed stays good until its own end; with ``now_ended`` it ends here.

    Raises:
        KeyUnfit: ``master`` is not the key that wraps them now.

    """
    now = context.now()
    with context.database.transaction() as connection:
        for key in data_keys.every(connection, locked=True):
            check(master, [key])
            fresh = wrapped(new_master, unwrapped(master, key.wrapped))
            data_keys.wrap(connection, replace(key, wrapped=fresh, wrapped_by=fingerprint(new_master)))
        data_keys.retire(connection, RENEWED, now)
        data_keys.add(connection, [new_key(new_master, purpose, now) for purpose in RENEWED])
        if now_ended:
            data_keys.remove_retired(connection, _ENDED_AT_ONCE, before=datetime.max.replace(tzinfo=now.tzinfo))
        audit.noted(context, connection, _ROTATED, details=["what was signed ended"] if now_ended else [])
        ring = ring_of(new_master, data_keys.every(connection))
    return reseal(replace(context, secrets=Secrets(ring)))


def reseal(context: Context) -> Resealed:
    """Encrypt with the newest key whatever is not, a few rows a transaction; it may be cut off and begun again."""
    found = Resealed()
    for place in sealed.PLACES:
        mark: tuple[object, ...] | None = ()
        while mark is not None:
            seal = _Sealing(context.secrets)
            with context.database.transaction() as connection:
                mark, rows = sealed.reseal(connection, place, seal, after=mark, limit=_ROWS_AT_ONCE)
            found = Resealed(rows=found.rows + rows, unreadable=found.unreadable + seal.unreadable)
    return found


def tidy(context: Context) -> int:
    """Remove keys that were retired long ago, after what a server may have encrypted with them in its last seconds."""
    before = context.now() - KEPT_AFTER_RETIRING
    if not any(key.retired_at and key.retired_at < before for key in every(context)):
        return 0
    context.secrets.refresh()
    if reseal(context).unreadable:
        # Some other key is needed for these; none is thrown away before somebody has looked.
        return 0
    with context.database.transaction() as connection:
        return data_keys.remove_retired(connection, RENEWED, before=before)


def _rotate_file(context: Context, *, now_ended: bool) -> Resealed:
    data_dir, follows = context.data_dir, master_key.new_master()
    master = master_of(every(context), data_dir, None)
    # First the file, then what hangs on it, then its name: cut off anywhere, one of the two files fits.
    master_key.write_next(data_dir, follows)
    found = rotate(context, master, new_master=follows, now_ended=now_ended)
    master_key.take_next(data_dir)
    return found


class _Sealing:
    """Encrypts anew what is not encrypted with the newest key, and counts what nobody can read."""

    def __init__(self, secrets_: Secrets) -> None:
        self._secrets = secrets_
        self.unreadable = 0

    def __call__(self, encrypted: str) -> str:
        if self._secrets.is_fresh(encrypted):
            return encrypted
        try:
            return self._secrets.encrypt(self._secrets.decrypt(encrypted))
        except SecretUnreadable:
            self.unreadable += 1
            return encrypted

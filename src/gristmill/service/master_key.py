"""The server's one secret key, in a file or given: it wraps the keys of the ring, and does nothing else."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gristmill.domain.data_key import FIRST, Purpose
from gristmill.domain.errors import Invalid

KEY_BYTES = 32
FILE = "secret.key"
Ring = Mapping[Purpose, Sequence[tuple[str, bytes]]]
"""By purpose the keys with their ids, the one in use first."""
_NEXT = "secret.key.next"
# What the keys were derived for in versions that had no others.
_FIRST_PURPOSES = {
    Purpose.ENCRYPTION: "encryption",
    Purpose.DIGESTS: "api key digests",
    Purpose.TOKENS: "tokens",
    Purpose.LINKS: "signed links",
}


class KeyUnfit(Invalid):
    """The secret key is not the one that wraps this database's keys."""

    code = "secret_key_unfit"


def derived_ring(master: bytes) -> Ring:
    """Return the keys that versions without a ring of their own derived from the master key."""
    return {purpose: [(FIRST, derived_key(master, purpose))] for purpose in Purpose}


def derived_key(master: bytes, purpose: Purpose) -> bytes:
    """Return one of them, of 32 bytes."""
    return _derive(master, _FIRST_PURPOSES[purpose])


def fingerprint(master: bytes) -> str:
    """Return 16 hexadecimal digits that tell a master key from others, and nothing about it."""
    return _derive(master, "fingerprint").hex()[:16]


def wrapped(master: bytes, key: bytes) -> str:
    """Return a key encrypted, to be kept in the database."""
    return fernet(_derive(master, "wrapping")).encrypt(key).decode()


def unwrapped(master: bytes, text: str) -> bytes:
    """Return the key again.

    Raises:
        KeyUnfit: another master key wrapped it, or it was changed.

    """
    try:
        return fernet(_derive(master, "wrapping")).decrypt(text.encode())
    except InvalidToken as error:
        raise KeyUnfit("A key in the database was changed; it does not open any more. Restore a backup.") from error


def fernet(key: bytes) -> Fernet:
    """Return the cipher for a key of 32 bytes."""
    return Fernet(base64.urlsafe_b64encode(key))


def given_key(text: str, *, name: str = "GRISTMILL_SECRET_KEY") -> bytes:
    """Return the master key of a text.

    Raises:
        Invalid: it is shorter than 32 characters.

    """
    if len(text) < KEY_BYTES:
        raise Invalid(f"{name} needs at least {KEY_BYTES} characters.", field="secret_key")
    return text.encode()


def master_key(data_dir: Path, given: str | None) -> bytes:
    """Return the key that was given, or the one in ``secret.key`` of the data directory, made on first use (mode 600).

    Raises:
        Invalid: the given key is shorter than 32 characters.

    """
    found = present_key(data_dir, given)
    if found is None:
        _make_once(data_dir / FILE, new_master())
    return found or (data_dir / FILE).read_bytes().strip()


def present_key(data_dir: Path, given: str | None) -> bytes | None:
    """Return the same without making one.

    Raises:
        Invalid: the given key is shorter than 32 characters.

    """
    if given:
        return given_key(given)
    return _read(data_dir / FILE)


def new_master() -> bytes:
    """Return a new master key, as it is written to a file."""
    return secrets.token_hex(KEY_BYTES).encode()


def write_next(data_dir: Path, master: bytes) -> None:
    """Keep the key that is to follow beside the file, before anything hangs on it."""
    path = data_dir / _NEXT
    path.unlink(missing_ok=True)
    _make_once(path, master)


def next_key(data_dir: Path) -> bytes | None:
    """Return the key that is to follow; it is there after a rotation that was cut off."""
    return _read(data_dir / _NEXT)


def take_next(data_dir: Path) -> None:
    """Let the key that follows be the one in the file, unless somebody else has."""
    with suppress(FileNotFoundError):
        (data_dir / _NEXT).replace(data_dir / FILE)
    _sync(data_dir)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        return None


def _make_once(path: Path, content: bytes) -> None:
    # Written whole beside it, then linked: of several servers that start at once, one wins, and all read the same key.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync(path.parent)


def _sync(directory: Path) -> None:
    """See that names survive a power cut: a key whose name is lost opens nothing."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _derive(master: bytes, purpose: str) -> bytes:
    info = f"gristmill {purpose}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master)

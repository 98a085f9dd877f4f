"""Everything that hangs on the server's one secret key: encryption, digests of API keys, tokens and signed links."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gristmill.domain.errors import Forbidden, Invalid, Unauthenticated

_ALGORITHM = "HS256"
_KEY_BYTES = 32


class SecretUnreadable(Exception):
    """What is stored was encrypted with another secret key."""


class Secrets:
    """Holds keys derived from one master key, a separate one for each purpose. Safe to use from any thread."""

    def __init__(self, master: bytes) -> None:
        self._cipher = Fernet(base64.urlsafe_b64encode(_derive(master, "encryption")))
        self._digest_key = _derive(master, "api key digests")
        self._token_key = _derive(master, "tokens")
        self._link_key = _derive(master, "signed links")

    def encrypt(self, text: str) -> str:
        """Return the text encrypted, never twice the same."""
        return self._cipher.encrypt(text.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Return the text again.

        Raises:
            SecretUnreadable: it was encrypted with another key, or changed since.

        """
        try:
            return self._cipher.decrypt(encrypted.encode()).decode()
        except InvalidToken as error:
            raise SecretUnreadable("It was encrypted with another secret key.") from error

    def digest(self, secret: str) -> str:
        """Return 64 hexadecimal digits by which a secret is found again, and from which it cannot be guessed."""
        return hmac.new(self._digest_key, secret.encode(), hashlib.sha256).hexdigest()

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a JWT with these claims. The clients demand ``exp`` (seconds since 1970) among them."""
        return jwt.encode(dict(claims), self._token_key, algorithm=_ALGORITHM)

    def read(self, token: str, *, now: datetime) -> dict[str, Any]:
        """Return the claims of a JWT that `sign` made.

        Raises:
            Unauthenticated: it is not ours, or its time is over.

        """
        try:
            # The time is checked below against the server's own clock, which tests and replays may move.
            options: Any = {"require": ["exp"], "verify_exp": False, "verify_iat": False, "verify_nbf": False}
            claims = jwt.decode(token, self._token_key, algorithms=[_ALGORITHM], options=options)
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("This token was not given out by this server. Get a new one.") from error
        if claims["exp"] <= now.timestamp():
            raise Unauthenticated("This token has expired. Get a new one.", code="token_expired")
        return claims

    def sign_path(self, path: str, expires_at: datetime) -> str:
        """Return a signature for a link that needs no token; it holds the time at which the link expires.

        Whoever signs decides what ``path`` says; for a link to upload put the method before it: ``PUT /signed/...``.
        """
        expires = str(int(expires_at.timestamp()))
        return f"{expires}.{self._mark(path, expires)}"

    def check_path(self, path: str, signature: str, *, now: datetime) -> None:
        """Check what `sign_path` returned for this very path.

        Raises:
            Forbidden: the link was made for something else, or its time is over.

        """
        expires, _, mark = signature.partition(".")
        if not hmac.compare_digest(mark.encode(), self._mark(path, expires).encode()):
            raise Forbidden("This link was not given out by this server. Ask for a new one.", code="bad_signature")
        if int(expires) <= now.timestamp():
            moment = datetime.fromtimestamp(int(expires), UTC).isoformat()
            raise Forbidden(f"This link expired at {moment}. Ask for a new one.", code="link_expired")

    def _mark(self, path: str, expires: str) -> str:
        return hmac.new(self._link_key, f"{expires} {path}".encode(), hashlib.sha256).hexdigest()


def master_key(data_dir: Path, given: str | None) -> bytes:
    """Return the key that was given, or the one in ``secret.key`` of the data directory, made on first use (mode 600).

    Raises:
        Invalid: the given key is shorter than 32 characters.

    """
    if given:
        if len(given) < _KEY_BYTES:
            raise Invalid(f"GRISTMILL_SECRET_KEY needs at least {_KEY_BYTES} characters.", field="secret_key")
        return given.encode()
    path = data_dir / "secret.key"
    if not path.exists():
        _make_once(path, secrets.token_hex(_KEY_BYTES).encode())
    return path.read_bytes().strip()


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


def _derive(master: bytes, purpose: str) -> bytes:
    info = f"gristmill {purpose}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(master)

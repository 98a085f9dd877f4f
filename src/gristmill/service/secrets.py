"""Encryption, digests of API keys, tokens and signed links, each with keys of its own from one ring."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.fernet import InvalidToken

from gristmill.domain.data_key import FIRST, Purpose
from gristmill.domain.errors import Forbidden, Unauthenticated
from gristmill.service.master_key import KeyUnfit, Ring, derived_ring, fernet

_ALGORITHM = "HS256"
_log = logging.getLogger("gristmill.service")


class SecretUnreadable(Exception):
    """What is stored was encrypted with a key that is not there any more."""


class Secrets:
    """Works with the keys of a ring, of which the newest of each purpose makes what is new. Any thread may use it.

    ``ring`` may be a master key too: then its derived keys are used as such. ``read`` returns the ring as it is now: it
    is asked by `refresh`, and when something names a key that is not known.
    """

    def __init__(self, ring: Ring | bytes, *, read: Callable[[], Ring] | None = None) -> None:
        self._ring = derived_ring(ring) if isinstance(ring, bytes) else ring
        self._read = read

    def refresh(self) -> None:
        """Take over what other processes changed of the ring."""
        if self._read is None:
            return
        try:
            self._ring = self._read()
        except KeyUnfit as error:
            # The keys were rotated, and this process was given the key before: it goes on with what it has.
            _log.warning("keys.unfit", extra={"reason": error.message, "advice": "restart with the new secret key"})

    def encrypt(self, text: str) -> str:
        """Return the text encrypted, never twice the same, with the id of the key before it."""
        key_id, key = self._newest(Purpose.ENCRYPTION)
        return _named(key_id, fernet(key).encrypt(text.encode()).decode())

    def decrypt(self, encrypted: str) -> str:
        """Return the text again.

        Raises:
            SecretUnreadable: it was encrypted with a key that is not there, or changed since.

        """
        key_id, token = _parted(encrypted)
        key = self._known(Purpose.ENCRYPTION, key_id)
        try:
            return _opened(key, token)
        except InvalidToken as error:
            raise SecretUnreadable("It was encrypted with another secret key.") from error

    def is_fresh(self, encrypted: str) -> bool:
        """Tell whether this was encrypted with the newest key."""
        return _parted(encrypted)[0] == self._newest(Purpose.ENCRYPTION)[0]

    def digest(self, secret: str) -> str:
        """Return 64 hexadecimal digits by which a secret is found again, and from which it cannot be guessed."""
        return hmac.new(self._newest(Purpose.DIGESTS)[1], secret.encode(), hashlib.sha256).hexdigest()

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a JWT with these claims. The clients demand ``exp`` (seconds since 1970) among them."""
        key_id, key = self._newest(Purpose.TOKENS)
        return jwt.encode(dict(claims), key, algorithm=_ALGORITHM, headers={} if key_id == FIRST else {"kid": key_id})

    def read(self, token: str, *, now: datetime) -> dict[str, Any]:
        """Return the claims of a JWT that `sign` made.

        Raises:
            Unauthenticated: it is not ours, or its key is gone, or its time is over.

        """
        try:
            key = self._known(Purpose.TOKENS, str(jwt.get_unverified_header(token).get("kid", FIRST)))
            # The time is checked below against the server's own clock, which tests and replays may move.
            options: Any = {"require": ["exp"], "verify_exp": False, "verify_iat": False, "verify_nbf": False}
            claims = jwt.decode(token, key, algorithms=[_ALGORITHM], options=options) if key else None
        except jwt.InvalidTokenError as error:
            raise Unauthenticated("This token was not given out by this server. Get a new one.") from error
        if claims is None:
            raise Unauthenticated("The key of this token is not in use any more. Get a new one.")
        if claims["exp"] <= now.timestamp():
            raise Unauthenticated("This token has expired. Get a new one.", code="token_expired")
        return claims

    def sign_path(self, path: str, expires_at: datetime) -> str:
        """Return a signature for a link that needs no token; it holds the time at which the link expires.

        Whoever signs decides what ``path`` says; for a link to upload put the method before it: ``PUT /signed/...``.
        """
        key_id, key = self._newest(Purpose.LINKS)
        expires = str(int(expires_at.timestamp()))
        return _named(key_id, f"{expires}.{_mark(key, path, expires)}")

    def check_path(self, path: str, signature: str, *, now: datetime) -> None:
        """Check what `sign_path` returned for this very path.

        Raises:
            Forbidden: the link was made for something else, or its key is gone, or its time is over.

        """
        key_id, rest = _parted(signature)
        expires, _, mark = rest.partition(".")
        key = self._known(Purpose.LINKS, key_id)
        if key is None or not hmac.compare_digest(mark.encode(), _mark(key, path, expires).encode()):
            raise Forbidden("This link was not given out by this server. Ask for a new one.", code="bad_signature")
        if int(expires) <= now.timestamp():
            moment = datetime.fromtimestamp(int(expires), UTC).isoformat()
            raise Forbidden(f"This link expired at {moment}. Ask for a new one.", code="link_expired")

    def _newest(self, purpose: Purpose) -> tuple[str, bytes]:
        return self._ring[purpose][0]

    def _known(self, purpose: Purpose, key_id: str) -> bytes | None:
        key = dict(self._ring[purpose]).get(key_id)
        if key is None and self._read:
            # Another process may have made it a moment ago.
            self.refresh()
            key = dict(self._ring[purpose]).get(key_id)
        return key


def _opened(key: bytes | None, token: str) -> str:
    if key is None:
        raise InvalidToken
    return fernet(key).decrypt(token.encode()).decode()


def _named(key_id: str, made: str) -> str:
    return made if key_id == FIRST else f"{key_id}:{made}"


def _parted(made: str) -> tuple[str, str]:
    key_id, colon, rest = made.partition(":")
    return (key_id, rest) if colon else (FIRST, made)


def _mark(key: bytes, path: str, expires: str) -> str:
    return hmac.new(key, f"{expires} {path}".encode(), hashlib.sha256).hexdigest()

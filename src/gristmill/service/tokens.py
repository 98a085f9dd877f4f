"""Tokens: given out for an API key or a password, and read at every request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gristmill.domain.errors import Unauthenticated
from gristmill.domain.run import Run
from gristmill.domain.user import Actor, User
from gristmill.service import audit, lockouts, proofs
from gristmill.service.context import Context
from gristmill.store import api_keys, users

Mode = Literal["cpd", "cloud"]
LIFETIMES: dict[Mode, timedelta] = {"cpd": timedelta(hours=12), "cloud": timedelta(hours=1)}
RUN_LIFETIME = timedelta(days=7)
"""The longest that a run's own token lasts, should the run last longer."""
_USED_WITHIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it was given out; ``value`` is a JWT, so it has dots, and holds ``exp``."""

    value: str
    user_name: str
    lifetime_seconds: int
    expires_at: datetime


def for_api_key(context: Context, api_key: str, *, mode: Mode, user_name: str | None = None) -> Token:
    """Return a token for the key's user, who must be the one named, where one is named.

    Raises:
        Unauthenticated: the key is unknown or revoked, is another user's, or its user is disabled.
        Busy: there were too many such keys from this address.

    """
    now = context.now()
    with context.database.snapshot() as connection:
        key = api_keys.by_digest(connection, context.secrets.digest(api_key))
        user = users.get(connection, key.user_id) if key and not key.revoked_at else None
    if key is None or user is None or user.disabled or user_name not in {None, user.name}:
        lockouts.wrong_key(context)
        audit.not_signed_in(context, user_name)
        raise Unauthenticated("This user name and API key do not belong together, or no longer open anything.")
    if key.last_used_at is None or now - key.last_used_at > _USED_WITHIN:
        with context.database.transaction() as connection:
            api_keys.mark_used(connection, key.id, now)
            audit.signed_in(context, connection, user_id=user.id, user_name=user.name, by=f"token, key {key.name}")
    return _give_out(context, user, mode, proof=proofs.of_key(key))


def for_password(context: Context, user_name: str, password: str, *, mode: Mode) -> Token:
    """Return a token for the user.

    Raises:
        Unauthenticated: the user is unknown or disabled, has no password, or this is not it.
        LockedOut: there were too many wrong ones in a row.

    """
    user = lockouts.attempt(context, user_name, lambda: proofs.user_by_password(context, user_name, password))
    if user is None:
        audit.not_signed_in(context, user_name)
        raise Unauthenticated("This user name and password do not belong together, or no longer open anything.")
    with context.database.transaction() as connection:
        audit.signed_in(context, connection, user_id=user.id, user_name=user.name, by="token, password")
    return _give_out(context, user, mode, proof=proofs.of_password(context, user))


def for_run(context: Context, run: Run) -> Token | None:
    """Return a token of the run's user for the run's own code; it ends with the run. None where the user is gone."""
    with context.database.snapshot() as connection:
        user = users.get(connection, run.requester_id)
    if user is None or user.disabled:
        return None
    return _give_out(context, user, "cpd", proof=proofs.of_run(run), lifetime=RUN_LIFETIME)


def actor(context: Context, token: str) -> Actor:
    """Return who the token speaks for, as that user is now.

    Raises:
        Unauthenticated: the token is not ours or has expired, its user is gone or disabled, the API key or password
            that it was given out for has been revoked or changed, or the run that it was for has ended.

    """
    claims = context.secrets.read(token, now=context.now())
    user_id, proof = str(claims.get("sub")), str(claims.get("proof"))
    user, stands = proofs.user_and_proof(context, user_id, proof)
    if user is None or user.disabled:
        raise Unauthenticated("The user of this token is gone or disabled.")
    if not stands:
        raise Unauthenticated("What this token was given out for has been revoked or changed. Get a new one.")
    mode = "cloud" if claims.get("mode") == "cloud" else "cpd"
    # A run's code is often not the user's who started it: nobody becomes an administrator by writing some.
    of_run = proofs.is_of_run(proof)
    administrator = user.administrator and not of_run
    return Actor(user_id=user.id, user_name=user.name, administrator=administrator, mode=mode, of_run=of_run)


def _give_out(context: Context, user: User, mode: Mode, *, proof: str, lifetime: timedelta | None = None) -> Token:
    now = context.now()
    lifetime = lifetime or LIFETIMES[mode]
    expires_at = now + lifetime
    claims = {
        "iss": "gristmill",
        "sub": user.id,
        "uid": user.id,
        "username": user.name,
        "mode": mode,
        "proof": proof,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
    }
    return Token(
        value=context.secrets.sign(claims),
        user_name=user.name,
        lifetime_seconds=int(lifetime.total_seconds()),
        expires_at=expires_at,
    )

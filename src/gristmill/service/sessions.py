"""Sessions of browsers: begun with a name and a password or API key, ended by signing out or by time."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from gristmill.domain.errors import Unauthenticated
from gristmill.domain.user import Actor, Session, User
from gristmill.service import audit, lockouts, proofs
from gristmill.service.context import Context
from gristmill.store import api_keys, sessions, users

_SECRET_BYTES = 32
_MOST_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session and its user."""

    session: Session
    user: User


def sign_in(context: Context, user_name: str, password: str) -> tuple[SignedIn, str]:
    """Begin a session for a user's password, or for one of its API keys; return it, and the secret for the cookie.

    The first administrator has a key before it has a password.

    Raises:
        Unauthenticated: they do not belong together.
        LockedOut: there were too many wrong ones in a row.

    """
    found = lockouts.attempt(context, user_name, lambda: _proven(context, user_name, password))
    if found is None:
        audit.not_signed_in(context, user_name)
        raise Unauthenticated("This user name and password do not belong together, or no longer open anything.")
    user, proof = found
    now, secret = context.now(), secrets.token_urlsafe(_SECRET_BYTES)
    session = Session(
        digest=context.secrets.digest(secret),
        user_id=user.id,
        proof=proof,
        created_at=now,
        expires_at=now + timedelta(hours=context.keeping.session_hours),
    )
    with context.database.transaction() as connection:
        sessions.remove_over(connection, now)
        sessions.create(connection, session)
        audit.signed_in(
            context, connection, user_id=user.id, user_name=user.name, by=f"console, {proof.partition(':')[0]}"
        )
    return SignedIn(session=session, user=user), secret


def find(context: Context, secret: str) -> SignedIn | None:
    """Return the session that the cookie's secret stands for, with its user as it is now; None if it is over.

    It is over too when its user is gone or disabled, and when the password or key it was begun with no longer holds.
    """
    with context.database.snapshot() as connection:
        session = sessions.get(connection, context.secrets.digest(secret))
        if session is None or session.expires_at <= context.now():
            return None
        user = users.get(connection, session.user_id)
        if user is None or user.disabled or not proofs.stands(context, connection, user, proof=session.proof):
            return None
    return SignedIn(session=session, user=user)


def actor(context: Context, secret: str) -> Actor:
    """Return who the cookie's secret speaks for.

    Raises:
        Unauthenticated: the session is over.

    """
    found = find(context, secret)
    if found is None:
        raise Unauthenticated("You are signed out. Sign in again.", code="signed_out")
    return Actor(user_id=found.user.id, user_name=found.user.name, administrator=found.user.administrator)


def sign_out(context: Context, secret: str) -> None:
    """End a session; one that is over already stays so."""
    with context.database.transaction() as connection:
        sessions.remove(connection, context.secrets.digest(secret))


def list_all(context: Context, actor: Actor) -> list[Session]:
    """Return the actor's sessions that open something, the newest first."""
    with context.database.snapshot() as connection:
        user = users.get(connection, actor.user_id)
        found = sessions.of_user(connection, actor.user_id, now=context.now(), limit=_MOST_LISTED)
        return [each for each in found if user and proofs.stands(context, connection, user, proof=each.proof)]


def end_all(context: Context, actor: Actor) -> None:
    """Sign the actor out of every browser."""
    with context.database.transaction() as connection:
        sessions.remove_of_user(connection, actor.user_id)


def is_proven(context: Context, user_name: str, password: str) -> bool:
    """Tell whether this is the user's password, or one of its API keys."""
    return _proven(context, user_name, password) is not None


def _proven(context: Context, user_name: str, password: str) -> tuple[User, str] | None:
    user = proofs.user_by_password(context, user_name, password)
    if user is not None:
        return user, proofs.of_password(context, user)
    with context.database.snapshot() as connection:
        key = api_keys.by_digest(connection, context.secrets.digest(password))
        owner = users.get(connection, key.user_id) if key and not key.revoked_at else None
    return (owner, proofs.of_key(key)) if key and owner and owner.name == user_name and not owner.disabled else None

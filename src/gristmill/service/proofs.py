"""What tokens and sessions were given out for: an API key, a password or a run. They end when that does."""

from __future__ import annotations

from gristmill.domain.run import ACTIVE, Run
from gristmill.domain.user import ApiKey, User
from gristmill.service import passwords
from gristmill.service.context import Context
from gristmill.store import api_keys, runs, users
from gristmill.store.database import Connection

_KEY = "key:"


def user_by_password(context: Context, user_name: str, password: str) -> User | None:
    """Return the user whose password this is, unless it is disabled. It takes as long for names that are unknown."""
    with context.database.snapshot() as connection:
        user = users.by_name(connection, user_name)
    right = passwords.verify(user.password_hash if user else None, password)
    return user if user and right and not user.disabled else None


def of_key(key: ApiKey) -> str:
    """Return the proof that stands until the key is revoked."""
    return f"{_KEY}{key.id}"


def of_run(run: Run) -> str:
    """Return the proof that stands while the run is at work under its present fence."""
    return f"run:{run.id}:{run.fence}"


def is_of_run(proof: str) -> bool:
    """Tell whether this is the proof of a run's code."""
    return proof.startswith("run:")


def of_password(context: Context, user: User) -> str:
    """Return the proof that stands until the user's password is changed."""
    # The hash is salted, so this changes with every new password and tells nothing about it.
    return f"password:{context.secrets.digest(user.password_hash or '')[:16]}"


def user_and_proof(context: Context, user_id: str, proof: str) -> tuple[User | None, bool]:
    """Return the user with this id, and whether what the proof names still holds for this user."""
    if proof.startswith(_KEY):
        with context.database.question() as connection:
            return users.with_key(connection, user_id, proof.removeprefix(_KEY))
    with context.database.snapshot() as connection:
        user = users.get(connection, user_id)
        return user, user is not None and stands(context, connection, user, proof=proof)


def stands(context: Context, connection: Connection, user: User, *, proof: str) -> bool:
    """Tell whether what the proof names still holds for this user."""
    if is_of_run(proof):
        _, run_id, fence = proof.split(":")
        run = runs.get(connection, run_id)
        return run is not None and run.state in ACTIVE and run.fence == int(fence) and run.requester_id == user.id
    if not proof.startswith(_KEY):
        return proof == of_password(context, user)
    key = api_keys.get(connection, proof.removeprefix(_KEY))
    return key is not None and key.revoked_at is None

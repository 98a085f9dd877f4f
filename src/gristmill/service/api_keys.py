"""API keys: made, listed and revoked by their user, or by an administrator for it. The secret is shown once."""

from __future__ import annotations

import secrets

from gristmill.domain.errors import Invalid, NotFound
from gristmill.domain.page import Page
from gristmill.domain.user import Actor, ApiKey
from gristmill.service import schedule_keys, task_credentials
from gristmill.service.access import people_only
from gristmill.service.context import Context
from gristmill.store import api_keys, users
from gristmill.store.database import Connection

_HINT_CHARACTERS = 8
_LONG_ENOUGH_FOR_A_HINT = 24


def create(context: Context, actor: Actor, *, name: str, user_id: str | None = None) -> tuple[ApiKey, str]:
    """Make a key for the actor; administrators may make one for anyone. Return it with its secret.

    Raises:
        Forbidden: the actor is a run's code.
        Invalid: there is no such user, or the actor may not see it.

    """
    people_only(actor)
    owner = user_id or actor.user_id
    with context.database.transaction() as connection:
        if not _may_see(actor, owner) or users.get(connection, owner) is None:
            raise Invalid(f"There is no user {owner} for whom you could make an API key.", field="user_id")
        secret = new_secret()
        return add(context, connection, owner, name=name, secret=secret), secret


def add(context: Context, connection: Connection, user_id: str, *, name: str, secret: str) -> ApiKey:
    """Write a key within a transaction that is open."""
    hint = secret[:_HINT_CHARACTERS] if len(secret) >= _LONG_ENOUGH_FOR_A_HINT else ""
    key = ApiKey(id=context.new_id(), user_id=user_id, name=name, hint=hint, created_at=context.now())
    api_keys.insert(connection, key, context.secrets.digest(secret))
    return key


def page(
    context: Context, actor: Actor, *, limit: int, start: str | None = None, user_id: str | None = None
) -> Page[ApiKey]:
    """List the keys that are not revoked: the actor's own, or, for administrators, another user's."""
    owner = user_id or actor.user_id
    if not _may_see(actor, owner):
        return Page(items=())
    with context.database.snapshot() as connection:
        return api_keys.page(connection, owner, limit=limit, start=start)


def revoke(context: Context, actor: Actor, key_id: str) -> None:
    """End a key at once, with the tokens that were given out for it and the task credential that stands on it.

    Raises:
        NotFound: there is no such key, it is revoked, or it is not for the actor to see.

    """
    with context.database.transaction() as connection:
        key = api_keys.get(connection, key_id)
        if key is None or key.revoked_at or not _may_see(actor, key.user_id):
            raise NotFound(f"There is no API key {key_id} that you could revoke.", code="api_key_not_found")
        with schedule_keys.telling(context, connection, key.user_id):
            task_credentials.drop_with(context, connection, key)
            api_keys.revoke(connection, key.id, context.now())


def new_secret() -> str:
    """Return a fresh secret of 256 bits."""
    return f"gm-{secrets.token_urlsafe(32)}"


def _may_see(actor: Actor, user_id: str) -> bool:
    return actor.administrator or actor.user_id == user_id

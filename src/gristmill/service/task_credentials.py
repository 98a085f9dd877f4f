"""Task credentials: the API key that a user's jobs run with, at most one a user."""

from __future__ import annotations

from gristmill.domain.errors import Conflict, Invalid, NotFound, TaskCredentialMissing
from gristmill.domain.user import Actor, ApiKey, TaskCredential
from gristmill.service import schedule_keys
from gristmill.service.context import Context
from gristmill.service.secrets import SecretUnreadable
from gristmill.store import api_keys, task_credentials
from gristmill.store.database import Connection

TYPE = "iam_api_key"


def store(context: Context, actor: Actor, *, name: str, description: str, api_key: str | None) -> TaskCredential:
    """Keep one of the actor's own API keys, encrypted, for its jobs.

    Raises:
        Invalid: this is no API key of the actor, or it is revoked.
        Conflict: the actor has a task credential.

    """
    with context.database.transaction() as connection:
        if not api_key or not _opens(context, connection, api_key, actor.user_id):
            raise Invalid(
                "secret.api_key must be an API key of your own that is not revoked. Make one with POST /v1/api_keys.",
                code="invalid_task_credential",
                field="secret.api_key",
            )
        existing = task_credentials.of_user(connection, actor.user_id)
        if existing:
            raise Conflict(f"You have a task credential, {existing.id}. Delete it before you store another.")
        return add(context, connection, actor.user_id, name=name, description=description, api_key=api_key)


def add(
    context: Context, connection: Connection, user_id: str, *, name: str, description: str, api_key: str
) -> TaskCredential:
    """Write a user's first credential within a transaction that is open; the key has been checked."""
    credential = TaskCredential(
        id=context.new_id(),
        user_id=user_id,
        name=name,
        description=description,
        type=TYPE,
        created_at=context.now(),
    )
    task_credentials.insert(connection, credential, context.secrets.encrypt(api_key))
    return credential


def list_all(context: Context, actor: Actor) -> list[TaskCredential]:
    """Return the actor's credential, or an empty list."""
    with context.database.snapshot() as connection:
        found = task_credentials.of_user(connection, actor.user_id)
    return [found] if found else []


def get(context: Context, actor: Actor, credential_id: str) -> TaskCredential:
    """Return the actor's credential.

    Raises:
        NotFound: the actor has none with this id.

    """
    with context.database.snapshot() as connection:
        return _own(connection, actor, credential_id)


def delete(context: Context, actor: Actor, credential_id: str) -> None:
    """Remove the actor's credential; its jobs are refused from now on.

    Raises:
        NotFound: the actor has none with this id.

    """
    with context.database.transaction() as connection:
        _own(connection, actor, credential_id)
        with schedule_keys.telling(context, connection, actor.user_id):
            task_credentials.delete(connection, actor.user_id)


def require(connection: Connection, user_id: str) -> None:
    """Check that the user's jobs may run, within a transaction that is open.

    Raises:
        TaskCredentialMissing: the user has no credential (it goes with the key behind it), or is disabled or gone.

    """
    if not task_credentials.is_usable(connection, user_id):
        raise TaskCredentialMissing


def drop_with(context: Context, connection: Connection, key: ApiKey) -> None:
    """Remove the credential that stands on a key which is being revoked, so that another can be stored."""
    secret = _secret(context, connection, key.user_id)
    behind = api_keys.by_digest(connection, context.secrets.digest(secret)) if secret else None
    if behind and behind.id == key.id:
        task_credentials.delete(connection, key.user_id)


def _secret(context: Context, connection: Connection, user_id: str) -> str | None:
    encrypted = task_credentials.secret_of_user(connection, user_id)
    try:
        return context.secrets.decrypt(encrypted) if encrypted else None
    except SecretUnreadable:
        # The server's secret key was replaced, and with it went every API key: the credential is worth nothing.
        return None


def _opens(context: Context, connection: Connection, api_key: str, user_id: str) -> bool:
    key = api_keys.by_digest(connection, context.secrets.digest(api_key))
    return key is not None and key.user_id == user_id and key.revoked_at is None


def _own(connection: Connection, actor: Actor, credential_id: str) -> TaskCredential:
    found = task_credentials.of_user(connection, actor.user_id)
    if found is None or found.id != credential_id:
        raise NotFound(f"You have no task credential {credential_id}.", code="task_credential_not_found")
    return found

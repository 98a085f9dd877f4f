"""Users: kept by administrators. The first administrator is made when the server first starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gristmill.domain.email_address import read_address
from gristmill.domain.errors import Conflict, Forbidden, Invalid, NotFound
from gristmill.domain.page import Page
from gristmill.domain.user import Actor, User
from gristmill.service import api_keys, lockouts, passwords, schedule_keys, sessions, task_credentials
from gristmill.service.context import Context
from gristmill.store import api_keys as key_store
from gristmill.store import members
from gristmill.store import users as user_store
from gristmill.store.database import Connection, ConstraintViolated

FIRST_ADMINISTRATOR = "admin"
CHANGEABLE = frozenset({"display_name", "password", "administrator", "disabled", "email"})
OWN = frozenset({"email"})
"""What users may change of themselves."""
_NAME = re.compile(r"[^\s\x00-\x1f\x7f/]{1,255}")
_LIKE_AN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def bootstrap(context: Context, admin_api_key: str | None) -> str | None:
    """Make sure that an administrator can sign in, with ``admin_api_key`` where it is given.

    On the first start of all this makes the user ``admin`` with an API key and a task credential; later, another
    given key is added to those of the first administrator. Safe when several servers start at once.

    Returns:
        The API key, if it was generated: it is known only now.

    """
    try:
        with context.database.transaction() as connection:
            if not user_store.exist(connection):
                return _first_administrator(context, connection, admin_api_key)
            if admin_api_key:
                _add_given_key(context, connection, admin_api_key)
    except ConstraintViolated:
        # Another server was faster by a moment, and has made the same.
        return None
    return None


def create(
    context: Context,
    actor: Actor,
    *,
    name: str,
    display_name: str | None = None,
    password: str | None = None,
    administrator: bool = False,
    email: str | None = None,
) -> User:
    """Add a user.

    Raises:
        Forbidden: the actor is no administrator.
        Invalid: the name has blanks or slashes, or looks like an id; or the e-mail address is none.
        Conflict: the name is taken.

    """
    _administrators_only(actor)
    if not _NAME.fullmatch(name) or _LIKE_AN_ID.fullmatch(name):
        raise Invalid("A user name has 1 to 255 characters, no blanks or slashes, and is no UUID.", field="name")
    hashed = passwords.hash_of(password) if password else None
    user = _new(context, name, display_name=display_name, password_hash=hashed, administrator=administrator)
    user = replace(user, email=_email(email))
    with context.database.transaction() as connection:
        if user_store.by_name(connection, name):
            raise Conflict(f"There is a user {name}. Choose another name.", code="user_exists", field="name")
        user_store.insert(connection, user)
    return user


def page(context: Context, actor: Actor, *, limit: int, start: str | None = None) -> Page[User]:
    """List all users.

    Raises:
        Forbidden: the actor is no administrator.

    """
    _administrators_only(actor)
    with context.database.snapshot() as connection:
        return user_store.page(connection, limit=limit, start=start)


def get(context: Context, actor: Actor, id_or_name: str) -> User:
    """Return a user: anyone itself, an administrator everyone.

    Raises:
        NotFound: there is none, or it is not for the actor to see.

    """
    with context.database.snapshot() as connection:
        found = user_store.find(connection, id_or_name)
    if found is None or not (actor.administrator or found.id == actor.user_id):
        raise _unknown(id_or_name)
    return found


def change(context: Context, actor: Actor, id_or_name: str, wanted: Mapping[str, Any]) -> User:
    """Change what `CHANGEABLE` names. A new password, or being disabled, ends the user's tokens at once.

    An empty ``email`` takes the address away.

    Raises:
        Forbidden: the actor is no administrator, and it is more than `OWN` of the actor itself.
        Invalid: the e-mail address is none.
        NotFound: there is no such user.
        Conflict: it would leave the server without an administrator.

    """
    if id_or_name not in {actor.user_id, actor.user_name} or wanted.keys() - OWN:
        _administrators_only(actor)
    values = {name: value for name, value in wanted.items() if name in CHANGEABLE - {"password"}}
    if "email" in values:
        values["email"] = _email(values["email"])
    if wanted.get("password"):
        values["password_hash"] = passwords.hash_of(wanted["password"])
    with context.database.transaction() as connection:
        administrators = user_store.lock_administrators(connection)
        user = _found(connection, id_or_name)
        changed = replace(user, **values)
        if changed.disabled or not changed.administrator:
            _another_administrator(administrators, user)
        with schedule_keys.telling(context, connection, user.id):
            user_store.update(connection, changed)
    return changed


def change_own_password(context: Context, actor: Actor, *, current: str, password: str) -> None:
    """Give the actor another password; what was given out for the old one ends.

    Raises:
        Invalid: ``current`` is neither its password nor one of its API keys.
        LockedOut: there were too many wrong ones in a row.

    """
    if not lockouts.attempt(
        context, actor.user_name, lambda: sessions.is_proven(context, actor.user_name, current) or None
    ):
        raise Invalid("This is neither your password nor one of your API keys.", field="current")
    hashed = passwords.hash_of(password)
    with context.database.transaction() as connection:
        user_store.update(connection, replace(_found(connection, actor.user_id), password_hash=hashed))


def delete(context: Context, actor: Actor, id_or_name: str) -> None:
    """Remove a user with its API keys, task credential and memberships.

    Raises:
        Forbidden: the actor is no administrator.
        NotFound: there is no such user.
        Conflict: it is the last administrator, or the only admin of a space.

    """
    _administrators_only(actor)
    with context.database.transaction() as connection:
        administrators = user_store.lock_administrators(connection)
        user = _found(connection, id_or_name)
        _another_administrator(administrators, user)
        _not_the_only_admin_of_a_space(connection, user)
        with schedule_keys.telling(context, connection, user.id):
            user_store.delete(connection, user.id)


def _first_administrator(context: Context, connection: Connection, given: str | None) -> str | None:
    user = _new(context, FIRST_ADMINISTRATOR, display_name="Administrator", administrator=True)
    secret = given or api_keys.new_secret()
    user_store.insert(connection, user)
    api_keys.add(context, connection, user.id, name="first", secret=secret)
    task_credentials.add(
        context, connection, user.id, name="first", description="Made with the first API key.", api_key=secret
    )
    return None if given else secret


def _add_given_key(context: Context, connection: Connection, given: str) -> None:
    administrators = user_store.lock_administrators(connection)
    if administrators and key_store.by_digest(connection, context.secrets.digest(given)) is None:
        api_keys.add(context, connection, administrators[0].id, name="GRISTMILL_ADMIN_API_KEY", secret=given)


def _new(
    context: Context,
    name: str,
    *,
    display_name: str | None,
    administrator: bool,
    password_hash: str | None = None,
) -> User:
    return User(
        id=context.new_id(),
        name=name,
        display_name=display_name or name,
        password_hash=password_hash,
        administrator=administrator,
        created_at=context.now(),
    )


def _email(given: str | None) -> str | None:
    return read_address(given, where="email") if given else None


def _administrators_only(actor: Actor) -> None:
    if not actor.administrator:
        raise Forbidden("Only administrators keep users. Ask one of yours.")


def _another_administrator(administrators: list[User], user: User) -> None:
    if [administrator.id for administrator in administrators] == [user.id]:
        raise Conflict(f"{user.name} is the last administrator. Make another user an administrator first.")


def _not_the_only_admin_of_a_space(connection: Connection, user: User) -> None:
    for space_id, name in members.lock_administered(connection, user.id):
        if len(members.admins(connection, space_id)) == 1:
            raise Conflict(
                f"{user.name} is the only admin of the space {name!r}. Let it make another member admin there first, "
                "or disable the user instead."
            )


def _found(connection: Connection, id_or_name: str) -> User:
    found = user_store.find(connection, id_or_name)
    if found is None:
        raise _unknown(id_or_name)
    return found


def _unknown(id_or_name: str) -> NotFound:
    return NotFound(f"There is no user {id_or_name}. GET /v1/users lists them.", code="user_not_found")

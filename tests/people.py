"""Users that tests act as, and clients that are logged in as one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi.testclient import TestClient

from gristmill.api.app import create_api
from gristmill.domain.user import Actor
from gristmill.service import api_keys, tokens, users
from gristmill.service.context import Context
from gristmill.service.tokens import Mode

ADMIN_API_KEY = "admin-api-key-of-the-tests"


def admin(context: Context) -> Actor:
    """Return the first administrator, acting."""
    return tokens.actor(context, tokens.for_api_key(context, ADMIN_API_KEY, mode="cpd").value)


def add_user(context: Context, name: str, *, administrator: bool = False) -> tuple[Actor, str]:
    """Add a user; return it, acting, and an API key of it."""
    user = users.create(context, admin(context), name=name, administrator=administrator)
    actor = Actor(user_id=user.id, user_name=user.name, administrator=administrator)
    _, secret = api_keys.create(context, actor, name="test")
    return actor, secret


def log_in(client: TestClient, api_key: str, *, mode: Mode = "cpd") -> None:
    """Let the client send a token for the key from now on."""
    if mode == "cpd":
        token = client.post("/icp4d-api/v1/authorize", json={"api_key": api_key}).json()["token"]
    else:
        token = client.post("/identity/token", data={"apikey": api_key}).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


@contextmanager
def client_of(context: Context, api_key: str, *, mode: Mode = "cpd") -> Iterator[TestClient]:
    """Return another client of the app over ``context``, logged in with the key."""
    with TestClient(create_api(context)) as made:
        log_in(made, api_key, mode=mode)
        yield made

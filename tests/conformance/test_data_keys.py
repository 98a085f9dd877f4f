"""The ring of keys: wrapped at rest, rotated under servers that are at work, and never half."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.make_work import open_shop
from tests.people import ADMIN_API_KEY, client_of

from gristmill.domain.data_key import FIRST, KEPT_AFTER_RETIRING, Purpose
from gristmill.domain.errors import Conflict, Forbidden, Invalid, Unauthenticated
from gristmill.service import data_keys, key_rotation, master_key, tokens, users
from gristmill.service.context import Context
from gristmill.service.master_key import KeyUnfit
from gristmill.service.secrets import Secrets, SecretUnreadable
from gristmill.store.database import Database
from gristmill.store.schema import asset_revisions, assets, channels, jobs, runs, task_credentials

# Where it makes no difference, one of the two databases is enough.
of_files = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
GIVEN, NEXT = "the secret key of this test, given", "the one that follows, which is another"
SECRET = "a secret to be found again"


@pytest.fixture(autouse=True)
def key_file(tmp_path: Path) -> None:
    """Let the key file hold what the context of the tests derives its keys from."""
    (tmp_path / "secret.key").touch(mode=0o600)
    (tmp_path / "secret.key").write_text("a secret key for tests, and only for tests")


def opened(context: Context, given: str | None = None) -> Context:
    """Return the context of one more server over the same database."""
    ring = data_keys.open_ring(context.database, context.data_dir, given, now=context.now())
    return replace(context, secrets=ring)


def furnished(context: Context) -> None:
    """Store a secret wherever one is stored."""
    shop = open_shop(context)
    space = {"space_id": shop.space_id}
    with client_of(context, ADMIN_API_KEY) as client:
        properties = {"host": "db", "database": "d", "username": "u", "password": SECRET}
        connection = {"name": "c", "datasource_type": "postgresql", "properties": properties}
        made = _done(client, "/v2/connections", connection, **space, test="false")
        _done(client, f"/v2/assets/{made['metadata']['asset_id']}/revisions", {"commit_message": "x"}, **space)
        hook = {"name": "h", "type": "webhook", "settings": {"url": "https://hooks.example.com/x"}}
        _done(client, "/v2/notification_channels", hook, **space)
        variables = {"secret_env_variables": [f"SECRET={SECRET}"]}
        wanted = {"job": {"name": "j", "asset_ref": shop.script(), "configuration": variables}}
        job = _done(client, "/v2/jobs", wanted, **space)
        _done(client, f"/v2/jobs/{job['asset_id']}/runs", {"job_run": {}}, **space)


def _done(client: TestClient, path: str, body: Any, **params: str) -> Any:
    answer = client.post(path, params=params, json=body)
    assert answer.status_code < 300, answer.text
    return answer.json()


def sealed_in(database: Database) -> dict[str, list[str]]:
    """Return every encrypted text that is stored, by table."""
    with database.snapshot() as connection:

        def of(column: Any) -> list[Any]:
            return list(connection.execute(select(column)).scalars())

        found = {
            "task_credentials": of(task_credentials.c.secret),
            "jobs": of(jobs.c.sealed_variables),
            "channels": of(channels.c.sealed),
            "runs": [spec.get("sealed_variables") for spec in of(runs.c.spec)],
            "assets": [each for entity in of(assets.c.entity) for each in entity.get("sealed", {}).values()],
            "revisions": [
                each for entity in of(asset_revisions.c.entity) for each in entity.get("sealed", {}).values()
            ],
        }
    return {name: [each for each in texts if each] for name, texts in found.items()}


def test_keys_are_stored_wrapped_and_made_once(context: Context) -> None:
    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(lambda _: opened(context), range(8)))
    keys = data_keys.every(context)
    assert sorted(key.purpose for key in keys) == sorted(Purpose)
    assert len({server.secrets.digest("x") for server in servers}) == 1
    master = (context.data_dir / "secret.key").read_bytes()
    assert all(master_key.unwrapped(master, key.wrapped).hex() not in key.wrapped for key in keys)
    with pytest.raises(KeyUnfit):
        master_key.unwrapped(b"another", keys[0].wrapped)


@of_files
def test_an_installation_from_before_goes_on_with_what_it_has(context: Context) -> None:
    master = master_key.master_key(context.data_dir, None)
    before = Secrets(master)
    encrypted, digest = before.encrypt(SECRET), before.digest(SECRET)
    token = before.sign({"exp": context.now().timestamp() + 60})
    after = opened(context).secrets
    assert after.decrypt(encrypted) == SECRET
    assert after.digest(SECRET) == digest
    after.read(token, now=context.now())
    # Servers of the version before are still at work.
    assert before.decrypt(after.encrypt(SECRET)) == SECRET
    assert {key.id for key in data_keys.every(context)} == {FIRST}


@of_files
def test_a_new_installation_derives_nothing_from_the_secret_key(database: Database, tmp_path: Path) -> None:
    secrets = data_keys.open_ring(database, tmp_path, GIVEN, now=datetime.now(UTC))
    with pytest.raises(SecretUnreadable):
        Secrets(GIVEN.encode()).decrypt(secrets.encrypt(SECRET))


def test_rotation_encrypts_everything_anew(context: Context) -> None:
    server = opened(context)
    furnished(server)
    before = sealed_in(context.database)
    assert {name for name, texts in before.items() if not texts} == set()
    found = key_rotation.rotate_installation(opened(context), None)
    assert (found.rows, found.unreadable) == (sum(map(len, before.values())), 0)
    newest = next(key.id for key in data_keys.every(context) if key.purpose is Purpose.ENCRYPTION)
    after = sealed_in(context.database)
    assert {text.partition(":")[0] for texts in after.values() for text in texts} == {newest}
    for name, texts in before.items():
        assert [server.secrets.decrypt(text) for text in texts] == [
            opened(context).secrets.decrypt(t) for t in after[name]
        ]
    assert key_rotation.reseal(opened(context)).rows == 0


@of_files
def test_servers_that_are_at_work_follow(context: Context) -> None:
    server, other = opened(context), opened(context)
    old = tokens.for_api_key(server, ADMIN_API_KEY, mode="cpd").value
    link = server.secrets.sign_path("GET /x", context.now() + timedelta(minutes=1))
    key_rotation.rotate_installation(other, None)
    fresh = opened(context)
    # What is new is known at once, and what was given out before lasts.
    new = tokens.for_api_key(fresh, ADMIN_API_KEY, mode="cpd").value
    assert server.secrets.decrypt(fresh.secrets.encrypt(SECRET)) == SECRET
    assert tokens.actor(server, new).user_name == tokens.actor(fresh, old).user_name == "admin"
    fresh.secrets.check_path("GET /x", link, now=context.now())
    assert server.secrets.digest(SECRET) == fresh.secrets.digest(SECRET)


@of_files
def test_what_was_signed_can_be_ended_at_once(context: Context) -> None:
    server = opened(context)
    old = tokens.for_api_key(server, ADMIN_API_KEY, mode="cpd").value
    link = server.secrets.sign_path("GET /x", context.now() + timedelta(minutes=1))
    key_rotation.rotate_installation(opened(context), None, now_ended=True)
    server.secrets.refresh()
    with pytest.raises(Unauthenticated, match="not in use any more"):
        tokens.actor(server, old)
    with pytest.raises(Forbidden):
        server.secrets.check_path("GET /x", link, now=context.now())
    assert tokens.for_api_key(server, ADMIN_API_KEY, mode="cpd")


@of_files
@pytest.mark.parametrize("committed", [False, True])
def test_a_rotation_that_is_cut_off_leaves_a_key_that_fits(context: Context, *, committed: bool) -> None:
    encrypted = opened(context).secrets.encrypt(SECRET)
    old, new = (context.data_dir / "secret.key").read_bytes(), master_key.new_master()
    master_key.write_next(context.data_dir, new)
    if committed:
        key_rotation.rotate(context, old, new_master=new)
    assert opened(context).secrets.decrypt(encrypted) == SECRET
    assert (context.data_dir / "secret.key").read_bytes() == (new if committed else old)
    assert key_rotation.rotate_installation(opened(context), None).unreadable == 0
    assert [path.name for path in context.data_dir.glob("*.next")] == []
    assert stat.S_IMODE((context.data_dir / "secret.key").stat().st_mode) == 0o600


@of_files
def test_a_given_key_is_followed_by_a_given_one(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    server = opened(context, GIVEN)
    encrypted = server.secrets.encrypt(SECRET)
    for wrong in (None, "short"):
        with pytest.raises(Invalid, match="32 characters"):
            key_rotation.rotate_installation(server, GIVEN, given_next=wrong)
    with pytest.raises(Invalid, match="in a file"):
        key_rotation.rotate_installation(server, None, given_next=NEXT)
    key_rotation.rotate_installation(server, GIVEN, given_next=NEXT)
    assert opened(context, NEXT).secrets.decrypt(encrypted) == SECRET
    with pytest.raises(KeyUnfit, match="GRISTMILL_SECRET_KEY"):
        opened(context, GIVEN)
    # One that was not stopped goes on with what it has, and says so.
    server.secrets.refresh()
    assert server.secrets.decrypt(encrypted) == SECRET
    assert "keys.unfit" in caplog.text


def test_retired_keys_go_after_what_they_encrypted_last(context: Context) -> None:
    late = opened(context)
    key_rotation.rotate_installation(opened(context), None)
    with context.database.transaction() as connection:
        # A server that has not heard of the rotation yet.
        connection.execute(task_credentials.update().values(secret=Secrets(late.secrets._ring).encrypt(SECRET)))
    server = opened(context)
    assert key_rotation.tidy(server) == 0
    much_later = context.now() + KEPT_AFTER_RETIRING + timedelta(seconds=1)
    assert key_rotation.tidy(replace(server, clock=lambda: much_later)) == 3
    assert {key.retired_at for key in data_keys.every(context)} == {None}
    (left,) = sealed_in(context.database)["task_credentials"]
    assert opened(context).secrets.decrypt(left) == SECRET


@of_files
def test_what_nobody_can_read_keeps_the_keys(context: Context) -> None:
    server = opened(context)
    with context.database.transaction() as connection:
        connection.execute(task_credentials.update().values(secret=Secrets(b"of another time").encrypt(SECRET)))
    assert key_rotation.rotate_installation(server, None).unreadable == 1
    much_later = context.now() + KEPT_AFTER_RETIRING + timedelta(seconds=1)
    assert key_rotation.tidy(replace(opened(context), clock=lambda: much_later)) == 0


@of_files
def test_a_lost_secret_key_can_be_given_up(context: Context) -> None:
    opened(context)
    with pytest.raises(Conflict, match="fits"):
        data_keys.abandon(context.database, context.data_dir, None, now=context.now())
    (context.data_dir / "secret.key").unlink()
    with pytest.raises(KeyUnfit, match="keys abandon"):
        opened(context)
    # Nothing is put in its place that might be taken for it.
    assert not (context.data_dir / "secret.key").exists()
    data_keys.abandon(context.database, context.data_dir, None, now=context.now())
    server = opened(context)
    users.bootstrap(server, "a new key of the administrator")
    assert tokens.for_api_key(server, "a new key of the administrator", mode="cpd")


@of_files
def test_a_rotation_is_in_the_audit_log(context: Context) -> None:
    key_rotation.rotate_installation(opened(context), None, now_ended=True)
    with client_of(opened(context), ADMIN_API_KEY) as client:
        (event,) = client.get("/v1/audit_events", params={"action": "keys"}).json()["results"]
    assert (event["action"], event["actor_name"]) == ("keys.rotate", "gristmill keys rotate")
    assert "secret" not in json.dumps(event)

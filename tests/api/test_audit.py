"""The audit log: what was done by whom, refusals, filters, and that nobody changes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from tests.make_work import open_shop
from tests.people import ADMIN_API_KEY, add_user, admin, client_of, log_in

from gristmill.api.app import ROUTERS, create_api
from gristmill.api.audited import ACTIONS
from gristmill.service.context import Context
from gristmill.store.database import ConstraintViolated

URL = "/v1/audit_events"


def log(client: TestClient, **asked: str | int) -> list[dict[str, Any]]:
    answer = client.get(URL, params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def told(client: TestClient, **asked: str | int) -> list[tuple[str, str | None, list[str]]]:
    return [(each["action"], each["target_name"], each["details"]) for each in log(client, **asked)]


def space_of(client: TestClient) -> str:
    return str(client.post("/v2/spaces", json={"name": "ward"}).json()["metadata"]["id"])


def test_users_are_noted_with_what_changed_and_without_secrets(client: TestClient) -> None:
    made = client.post("/v1/users", json={"name": "ann", "password": "long enough"}).json()
    client.patch("/v1/users/ann", json={"administrator": True, "password": "another one"})
    client.patch("/v1/users/ann", json={"administrator": True})
    client.delete("/v1/users/ann")
    assert told(client, action="user") == [
        ("user.delete", "ann", []),
        ("user.change", "ann", ["password_hash", "administrator: False -> True"]),
        ("user.create", "ann", []),
    ]
    newest = log(client, action="user")[0]
    assert (newest["target_id"], newest["actor_name"], newest["address"]) == (made["id"], "admin", "testclient")


def test_members_spaces_and_keys_are_noted(context: Context, client: TestClient) -> None:
    bob, _ = add_user(context, "bob")
    space = space_of(client)
    client.post(f"/v2/spaces/{space}/members", json={"members": [{"id": "bob", "role": "viewer"}]})
    path = f"/v2/spaces/{space}/members/bob"
    client.patch(path, json=[{"op": "replace", "path": "/role", "value": "editor"}])
    client.delete(path)
    client.patch(f"/v2/spaces/{space}", json=[{"op": "replace", "path": "/paused", "value": True}])
    client.delete(f"/v2/spaces/{space}")
    members = log(client, action="member")
    assert [(each["action"], each["target_name"], each["details"]) for each in members] == [
        ("member.remove", "bob", []),
        ("member.change", "bob", ["role: viewer -> editor"]),
        ("member.add", "bob", []),
    ]
    assert {each["space_id"] for each in members} == {space}
    assert {each["target_id"] for each in members} == {bob.user_id}
    assert told(client, action="space") == [
        ("space.delete", "ward", ["state: active -> deleting"]),
        ("space.change", "ward", ["paused: False -> True"]),
        ("space.create", "ward", []),
    ]
    key = client.post("/v1/api_keys", json={"name": "robot"}).json()
    client.delete(f"/v1/api_keys/{key['id']}")
    assert told(client, action="api_key") == [
        ("api_key.revoke", "robot", ["revoked_at"]),
        ("api_key.create", "robot", []),
    ]


def test_jobs_and_runs_started_by_hand_are_noted(context: Context, client: TestClient) -> None:
    shop = open_shop(context)
    body = {"job": {"name": "nightly", "asset_ref": shop.script(), "asset_ref_type": "script", "configuration": {}}}
    log_in(client, ADMIN_API_KEY)
    made = client.post(f"/v2/jobs?space_id={shop.space_id}", json=body)
    assert made.status_code == 201, made.text
    job = made.json()["metadata"]["asset_id"]
    run = client.post(f"/v2/jobs/{job}/runs?space_id={shop.space_id}", json={"job_run": {}})
    assert run.status_code == 201, run.text
    path = f"/v2/jobs/{job}/runs/{run.json()['metadata']['asset_id']}"
    client.post(f"{path}/pin")
    assert client.post(f"{path}/cancel").status_code == 204
    assert client.post(f"{path}/cancel").status_code == 409
    client.post("/v2/jobs/bulk_delete", json={"job_ids": [job]})
    assert [each[0] for each in told(client, action="run")] == ["run.cancel", "run.pin", "run.start"]
    assert told(client, action="run.cancel")[0][2] == ["state: queued -> canceled"]
    assert [each[:2] for each in told(client, action="job")] == [("job.delete", "nightly"), ("job.create", "nightly")]


def test_what_fails_is_not_noted_as_done(client: TestClient) -> None:
    assert client.delete("/v1/users/admin").status_code == 409
    assert client.patch("/v1/users/nobody", json={"disabled": True}).status_code == 404
    assert log(client, action="user") == []


def test_signing_in_is_noted_and_so_is_a_wrong_password(context: Context, client: TestClient) -> None:
    with TestClient(create_api(context)) as browser:
        here = {"Sec-Fetch-Site": "same-origin"}
        for password in ("wrong", ADMIN_API_KEY):
            browser.post("/v1/session", json={"username": "admin", "password": password}, headers=here)
    newest, before, *_ = log(client, action="session.begin")
    assert (newest["outcome"], newest["details"]) == ("done", ["console, key"])
    assert (before["outcome"], before["actor_name"], before["actor_id"]) == ("refused", "admin", None)


def test_what_somebody_may_not_do_is_noted_as_refused(context: Context, client: TestClient) -> None:
    space = space_of(client)
    _, key = add_user(context, "eve")
    client.post(f"/v2/spaces/{space}/members", json={"members": [{"id": "eve", "role": "viewer"}]})
    with client_of(context, key) as eve:
        assert eve.delete(f"/v2/spaces/{space}").status_code == 403
        assert eve.get(URL).status_code == 403
        assert eve.post("/v1/users", json={"name": "x"}).status_code == 403
    found = [each for each in log(client, user="eve") if each["outcome"] == "refused"]
    assert [(each["action"], each["details"]) for each in found] == [
        ("user.create", ["/v1/users"]),
        ("space.delete", [f"/v2/spaces/{space}"]),
    ]


def test_pages_and_times(context: Context, client: TestClient) -> None:
    for number in range(5):
        client.post("/v1/api_keys", json={"name": str(number)})
    first = client.get(URL, params={"action": "api_key", "limit": 3}).json()
    rest = client.get(URL, params={"action": "api_key", "limit": 3, "start": first["next"]}).json()
    assert [each["target_name"] for page in (first, rest) for each in page["results"]] == ["4", "3", "2", "1", "0"]
    assert rest["next"] is None
    later = (context.now() + timedelta(hours=1)).isoformat()
    assert log(client, since=later) == []
    assert len(log(client, until=later, action="api_key")) == 5


@pytest.mark.parametrize("asked", [{"start": "nonsense"}, {"since": "yesterday"}, {"limit": 0}])
def test_bad_questions_are_refused(client: TestClient, asked: dict[str, Any]) -> None:
    answer = client.get(URL, params=asked)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["target"]["name"] == next(iter(asked))


COPIED = "SELECT * FROM audit_events"
STATEMENTS = [
    ("sqlite", "UPDATE audit_events SET actor_name = 'eve'"),
    ("sqlite", "DELETE FROM audit_events"),
    ("sqlite", f"REPLACE INTO audit_events {COPIED}"),
    ("sqlite", f"INSERT OR REPLACE INTO audit_events {COPIED}"),
    ("sqlite", f"INSERT INTO audit_events {COPIED} WHERE true ON CONFLICT (id) DO UPDATE SET actor_name = 'eve'"),
    ("postgresql", "UPDATE audit_events SET actor_name = 'eve'"),
    ("postgresql", "DELETE FROM audit_events"),
    ("postgresql", "TRUNCATE audit_events"),
    ("postgresql", f"INSERT INTO audit_events {COPIED} ON CONFLICT (id) DO UPDATE SET actor_name = 'eve'"),
    ("postgresql", f"WITH gone AS (DELETE FROM audit_events RETURNING 1) {COPIED}"),
]


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_the_database_lets_nobody_change_it(context: Context, client: TestClient) -> None:
    space_of(client)
    before = log(client)
    tried = [statement for dialect, statement in STATEMENTS if dialect == context.database.dialect]
    for statement in tried:
        with pytest.raises((ConstraintViolated, DatabaseError)), context.database.transaction() as connection:
            connection.execute(text(statement))
    assert log(client) == before


def test_every_audited_route_is_there() -> None:
    there = {
        (method, str(getattr(route, "path", "")))
        for router in ROUTERS
        for route in router.routes
        for method in getattr(route, "methods", ())
    }
    assert set(ACTIONS) <= there


def test_a_transaction_that_is_rolled_back_leaves_no_line(context: Context, client: TestClient) -> None:
    shop = open_shop(context)
    answer = client.post(f"/v2/jobs?space_id={shop.space_id}", json={"job": {"name": "x", "asset_ref": "nothing"}})
    assert answer.status_code >= 400
    assert log(client, action="job") == []
    assert admin(context).administrator

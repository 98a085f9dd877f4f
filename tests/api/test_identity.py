from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient
from tests.people import ADMIN_API_KEY, add_user, admin, client_of

from gristmill.api.app import create_api
from gristmill.domain.errors import TaskCredentialMissing, Unauthenticated
from gristmill.service import task_credentials, tokens, users
from gristmill.service.context import Context
from gristmill.store.database import Database

PASSWORD = "correct horse battery"


@pytest.fixture
def anonymous(client: TestClient) -> TestClient:
    del client.headers["Authorization"]
    return client


@pytest.fixture
def ann(context: Context) -> Iterator[TestClient]:
    """A client of a user without privileges."""
    _, secret = add_user(context, "ann")
    with client_of(context, secret) as made:
        yield made


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def _me(client: TestClient, token: str) -> int:
    return int(client.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code)


def test_the_on_premises_client_gets_a_token_for_twelve_hours(context: Context, anonymous: TestClient) -> None:
    answer = anonymous.post("/icp4d-api/v1/authorize", json={"username": "admin", "api_key": ADMIN_API_KEY})

    assert answer.status_code == 200
    token = answer.json()["token"]
    assert _claims(token)["exp"] == pytest.approx((context.now() + timedelta(hours=12)).timestamp(), abs=5)
    assert tokens.actor(context, token).mode == "cpd"
    assert _me(anonymous, token) == 200


def test_the_cloud_client_gets_a_token_for_an_hour(context: Context, anonymous: TestClient) -> None:
    form = {"apikey": ADMIN_API_KEY, "grant_type": "urn:ibm:params:oauth:grant-type:apikey"}
    answer = anonymous.post("/identity/token", data=form, headers={"Authorization": "Basic Yng6Yng="})

    assert answer.status_code == 200
    document = answer.json()
    assert set(document) == {"access_token", "refresh_token", "token_type", "expires_in", "expiration", "scope"}
    assert document["expires_in"] == 3600
    assert _claims(document["access_token"])["exp"] == document["expiration"]
    assert tokens.actor(context, document["access_token"]).mode == "cloud"


def test_a_password_opens_every_endpoint_that_takes_one(client: TestClient) -> None:
    client.post("/v1/users", json={"name": "bob", "password": PASSWORD})
    form = {"grant_type": "password", "username": "bob", "password": PASSWORD, "scope": "openid"}

    direct = client.post("/icp4d-api/v1/authorize", json={"username": "bob", "password": PASSWORD}).json()["token"]
    first = client.post("/idprovider/v1/auth/identitytoken", data=form).json()
    headers = {"username": "bob", "iam-token": first["access_token"]}
    second = client.get("/v1/preauth/validateAuth", headers=headers).json()["accessToken"]
    basic = base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
    third = client.get("/v1/preauth/validateAuth", headers={"Authorization": f"Basic {basic}"}).json()["accessToken"]

    assert first["expires_in"] > 60
    assert {_me(client, token) for token in (direct, second, third)} == {200}


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "admin", "api_key": "no"},
        {"username": "nobody", "api_key": ADMIN_API_KEY},
        {"username": "admin", "password": "no"},
        {"username": "nobody", "password": PASSWORD},
    ],
)
def test_wrong_credentials_are_401_in_json(anonymous: TestClient, wrong: dict[str, str]) -> None:
    answer = anonymous.post("/icp4d-api/v1/authorize", json=wrong)

    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "authentication_failed"
    assert anonymous.post("/identity/token", data={"apikey": "no"}).status_code == 401


def test_what_lacks_credentials_says_what_to_send(anonymous: TestClient) -> None:
    for answer in (anonymous.post("/icp4d-api/v1/authorize", json={}), anonymous.post("/identity/token", data={})):
        assert answer.status_code == 400
        assert "api_key" in answer.json()["errors"][0]["message"]


def test_no_route_of_the_api_answers_without_a_token(anonymous: TestClient) -> None:
    for path in ("/v1/me", "/v1/users", "/v1/api_keys", "/v1/task_credentials", "/v2/spaces", "/ml/v4/experiments"):
        assert anonymous.get(path).status_code == 401
        assert anonymous.get(path, headers={"Authorization": "Bearer a.b.c"}).status_code == 401
        assert anonymous.get(path, headers={"Authorization": "Basic YTpi"}).status_code == 401


def test_an_expired_token_is_refused(context: Context) -> None:
    token = tokens.for_api_key(context, ADMIN_API_KEY, mode="cloud").value
    later = replace(context, clock=lambda: context.now() + timedelta(hours=1))

    with pytest.raises(Unauthenticated):
        tokens.actor(later, token)


def test_a_disabled_user_gets_nothing_and_its_token_opens_nothing(
    context: Context, client: TestClient, ann: TestClient
) -> None:
    client.patch("/v1/users/ann", json={"password": PASSWORD})
    assert ann.get("/v1/me").json()["name"] == "ann"

    assert client.patch("/v1/users/ann", json={"disabled": True}).json()["disabled"] is True

    assert ann.get("/v1/me").status_code == 401
    login = {"username": "ann", "password": PASSWORD}
    assert client.post("/icp4d-api/v1/authorize", json=login).status_code == 401
    client.patch("/v1/users/ann", json={"disabled": False})
    assert ann.get("/v1/me").status_code == 200
    assert context.now()


def test_a_token_ends_with_the_key_or_password_that_it_was_given_for(client: TestClient) -> None:
    user = client.post("/v1/users", json={"name": "bob", "password": PASSWORD}).json()
    key = client.post("/v1/api_keys", json={"name": "k", "user_id": user["id"]}).json()
    login = {"username": "bob", "password": PASSWORD}
    by_key = client.post("/icp4d-api/v1/authorize", json={"api_key": key["api_key"]}).json()["token"]
    by_password = client.post("/icp4d-api/v1/authorize", json=login).json()["token"]
    assert (_me(client, by_key), _me(client, by_password)) == (200, 200)

    assert client.delete(f"/v1/api_keys/{key['id']}").status_code == 204
    assert (_me(client, by_key), _me(client, by_password)) == (401, 200)
    client.patch("/v1/users/bob", json={"password": f"{PASSWORD} again"})
    assert _me(client, by_password) == 401
    assert client.post("/icp4d-api/v1/authorize", json={"api_key": key["api_key"]}).status_code == 401
    assert client.delete(f"/v1/api_keys/{key['id']}").status_code == 404


def test_an_api_key_is_shown_once_and_its_use_is_noted(ann: TestClient) -> None:
    made = ann.post("/v1/api_keys", json={"name": "laptop"})

    assert made.status_code == 201
    secret = made.json()["api_key"]
    assert len(secret) > 40
    ann.post("/icp4d-api/v1/authorize", json={"api_key": secret})
    listed = ann.get("/v1/api_keys")
    mine = next(key for key in listed.json()["resources"] if key["id"] == made.json()["id"])
    assert secret not in listed.text
    assert mine["last_used_at"]
    assert secret.startswith(mine["hint"])


def test_users_see_and_make_and_revoke_their_own_keys_only(client: TestClient, ann: TestClient) -> None:
    admins = client.get("/v1/api_keys").json()["resources"]
    user_id = client.get("/v1/me").json()["id"]

    assert len(admins) == 1
    assert ann.get("/v1/api_keys", params={"user_id": user_id}).json()["resources"] == []
    assert ann.post("/v1/api_keys", json={"name": "x", "user_id": user_id}).status_code == 400
    assert ann.delete(f"/v1/api_keys/{admins[0]['id']}").status_code == 404


def test_only_administrators_keep_users(ann: TestClient) -> None:
    assert ann.post("/v1/users", json={"name": "eve", "administrator": True}).status_code == 403
    assert ann.get("/v1/users").status_code == 403
    assert ann.patch("/v1/users/ann", json={"administrator": True}).status_code == 403
    assert ann.delete("/v1/users/admin").status_code == 403
    assert ann.get("/v1/users/admin").status_code == 404
    assert ann.get("/v1/users/ann").json()["administrator"] is False


def test_a_user_is_listed_without_secrets_and_paged(client: TestClient) -> None:
    for name in ("u1", "u2", "u3"):
        created = client.post("/v1/users", json={"name": name, "password": PASSWORD, "display_name": None})
        assert created.status_code == 201

    first = client.get("/v1/users", params={"limit": 3}).json()
    second = client.get(first["next"]["href"]).json()

    names = [user["name"] for user in first["resources"] + second["resources"]]
    assert names == ["admin", "u1", "u2", "u3"]
    assert "next" not in second
    assert "hash" not in str(first).replace("has_password", "")


@pytest.mark.parametrize("name", ["", "two words", "a/b", "x" * 256, "11111111-2222-4333-8444-555555555555", "a\x00b"])
def test_a_name_that_would_confuse_is_refused(client: TestClient, name: str) -> None:
    answer = client.post("/v1/users", json={"name": name})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["target"] == {"type": "field", "name": "name"}


def test_a_name_is_taken_once(client: TestClient) -> None:
    answer = client.post("/v1/users", json={"name": "admin"})

    assert answer.status_code == 409
    assert "admin" in answer.json()["errors"][0]["message"]


def test_the_last_administrator_stays(client: TestClient) -> None:
    for change in ({"disabled": True}, {"administrator": False}):
        assert client.patch("/v1/users/admin", json=change).status_code == 409
    assert client.delete("/v1/users/admin").status_code == 409

    client.post("/v1/users", json={"name": "second", "administrator": True})
    assert client.delete("/v1/users/admin").status_code == 204
    assert client.get("/v1/me").status_code == 401


def test_two_administrators_who_remove_each_other_at_once_leave_one(context: Context) -> None:
    first = admin(context)
    second, _ = add_user(context, "second", administrator=True)

    def demote(pair: tuple[Any, str]) -> bool:
        try:
            users.change(context, pair[0], pair[1], {"administrator": False})
        except Exception:  # noqa: BLE001 - which of the two is refused is open
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(demote, [(first, "second"), (second, "admin")]))

    assert sorted(done) == [False, True]


def test_a_deleted_user_leaves_its_keys_and_spaces_behind(client: TestClient, ann: TestClient) -> None:
    space = client.post("/v2/spaces", json={"name": "s"}).json()["metadata"]["id"]
    client.post(f"/v2/spaces/{space}/members", json={"members": [{"id": "ann", "role": "editor"}]})

    assert client.delete("/v1/users/ann").status_code == 204

    assert ann.get("/v1/me").status_code == 401
    assert [member["name"] for member in client.get(f"/v2/spaces/{space}/members").json()["resources"]] == ["admin"]


def test_the_only_admin_of_a_space_is_not_deleted(client: TestClient, ann: TestClient) -> None:
    ann.post("/v2/spaces", json={"name": "anns own"})

    answer = client.delete("/v1/users/ann")

    assert answer.status_code == 409
    assert "anns own" in answer.json()["errors"][0]["message"]


def test_task_credentials_as_the_client_uses_them(ann: TestClient) -> None:
    key = ann.post("/v1/api_keys", json={"name": "jobs"}).json()["api_key"]
    body = {"name": "tc", "description": "x", "type": "iam_api_key", "secret": {"api_key": key}}
    assert ann.get("/v1/task_credentials").json() == {"credentials": []}

    stored = ann.post("/v1/task_credentials", params={"version": "2026-10-14"}, json=body)

    assert stored.status_code == 201
    document = stored.json()
    assert {"id", "name", "description", "type", "scope", "created_at", "status"} == set(document)
    assert document["scope"] == {"type": "user", "id": ann.get("/v1/me").json()["id"]}
    assert ann.get("/v1/task_credentials").json()["credentials"] == [document]
    assert ann.get(f"/v1/task_credentials/{document['id']}").json() == document
    assert key not in stored.text
    assert ann.post("/v1/task_credentials", json=body).status_code == 409
    assert ann.delete(f"/v1/task_credentials/{document['id']}").status_code == 204
    assert ann.delete(f"/v1/task_credentials/{document['id']}").status_code == 404


def test_only_a_live_key_of_ones_own_becomes_a_task_credential(client: TestClient, ann: TestClient) -> None:
    revoked = ann.post("/v1/api_keys", json={"name": "old"}).json()
    ann.delete(f"/v1/api_keys/{revoked['id']}")

    for secret in ({"api_key": ADMIN_API_KEY}, {"api_key": revoked["api_key"]}, {"api_key": None}, {}, None):
        answer = ann.post("/v1/task_credentials", json={"name": "tc", "type": "iam_api_key", "secret": secret})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["target"]["name"] == "secret.api_key"
    assert ann.post("/v1/task_credentials", json={"type": "password"}).status_code == 400
    mine = client.get("/v1/task_credentials").json()["credentials"][0]
    assert ann.get(f"/v1/task_credentials/{mine['id']}").status_code == 404
    assert ann.delete(f"/v1/task_credentials/{mine['id']}").status_code == 404


def test_a_task_credential_is_kept_encrypted(context: Context) -> None:
    with context.database.snapshot() as connection:
        stored = connection.exec_driver_sql("SELECT secret FROM task_credentials").scalar_one()

    assert ADMIN_API_KEY not in stored
    assert context.secrets.decrypt(stored) == ADMIN_API_KEY


def test_jobs_need_a_credential_whose_key_is_alive(context: Context, ann: TestClient) -> None:
    key = ann.post("/v1/api_keys", json={"name": "jobs"}).json()
    user_id = ann.get("/v1/me").json()["id"]

    def require() -> None:
        with context.database.snapshot() as connection:
            task_credentials.require(connection, user_id)

    with pytest.raises(TaskCredentialMissing, match=r"task_credentials\.store"):
        require()
    ann.post("/v1/task_credentials", json={"secret": {"api_key": key["api_key"]}})
    require()
    users.change(context, admin(context), "ann", {"disabled": True})
    with pytest.raises(TaskCredentialMissing):
        require()
    users.change(context, admin(context), "ann", {"disabled": False})
    ann.delete(f"/v1/api_keys/{key['id']}")
    with pytest.raises(TaskCredentialMissing):
        require()
    assert ann.get("/v1/task_credentials").json() == {"credentials": []}


def test_the_first_start_makes_an_administrator_once_and_says_its_key_once(
    context: Context, database: Database
) -> None:
    assert users.bootstrap(context, None) is None
    assert users.bootstrap(context, ADMIN_API_KEY) is None

    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM users")
    with ThreadPoolExecutor(8) as pool:
        made = [key for key in pool.map(lambda _: users.bootstrap(context, None), range(8)) if key]

    assert len(made) == 1
    assert tokens.actor(context, tokens.for_api_key(context, made[0], mode="cpd").value).administrator
    with pytest.raises(Unauthenticated):
        tokens.for_api_key(context, ADMIN_API_KEY, mode="cpd")


def test_another_given_key_is_added_and_a_revoked_one_does_not_come_back(context: Context, client: TestClient) -> None:
    assert users.bootstrap(context, "another key") is None
    added = next(key for key in client.get("/v1/api_keys").json()["resources"] if key["name"].startswith("GRIST"))
    assert tokens.for_api_key(context, "another key", mode="cpd").user_name == "admin"
    assert "hint" not in added

    client.delete(f"/v1/api_keys/{added['id']}")
    users.bootstrap(context, "another key")
    with pytest.raises(Unauthenticated):
        tokens.for_api_key(context, "another key", mode="cpd")


def test_versions_and_health_need_no_token(anonymous: TestClient) -> None:
    assert anonymous.get("/ml/wml_services/v2/version").json() == {"version": "5.3.0"}
    assert anonymous.get("/ml/wml_services/version").json() == {"version": "5.0.3"}
    assert anonymous.get("/healthz").json() == {"status": "ok"}
    assert anonymous.get("/readyz").status_code == 200


def test_a_server_whose_database_is_gone_is_not_ready(context: Context) -> None:
    gone = Database("sqlite:////no/such/directory/gristmill.db")

    with TestClient(create_api(replace(context, database=gone))) as client:
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("kind", ["experiments", "pipelines", "ai_services", "trainings"])
def test_lists_of_what_is_not_kept_are_empty(client: TestClient, kind: str) -> None:
    answer = client.get(f"/ml/v4/{kind}", params={"limit": 200, "version": "2026-10-14"})

    assert answer.status_code == 200
    assert answer.json()["resources"] == []
    assert answer.json()["first"]["href"].startswith("http")
    assert "next" not in answer.json()


@pytest.mark.parametrize(
    "path",
    ["/wx/v1/prompts/x", "/wx/v1-beta/prompts/x", "/ml/v4/pipelines/x", "/v2/projects/x", "/v2/spaces/", "/nothing"],
)
def test_what_is_not_there_is_a_404_in_json(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.json()["status_code"] == "404"
    assert "doctype" not in answer.text.lower()

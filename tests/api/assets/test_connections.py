"""Connections and datasource types through the API: secrets go in and never come out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire
from tests.fakes.connected import Behind
from tests.make import eventually
from tests.people import ADMIN_API_KEY, add_user, admin, client_of, log_in

from gristmill.api.app import create_api
from gristmill.data.source import DataFailed
from gristmill.service import connections, members
from gristmill.service.bounded_calls import BoundedCalls
from gristmill.service.context import Context
from gristmill.service.members import NewMember
from gristmill.store import assets

TYPES = "/v2/datasource_types"


def test_datasource_types(client: TestClient) -> None:
    listed = client.get(TYPES).json()
    names = {item["entity"]["name"] for item in listed["resources"]}
    assert {"postgresql", "mysql", "sqlite", "generics3", "http", "volumes", "bigquery", "db2"} <= names
    assert listed["total_count"] == len(names)
    page = client.get(TYPES, params={"limit": 3, "offset": 0}).json()
    assert len(page["resources"]) == 3
    assert page["next"]["href"].startswith("http")
    assert client.get(page["next"]["href"]).json()["resources"][0] not in page["resources"]
    big = client.get(f"{TYPES}/bigquery", params={"connection_properties": "false"}).json()
    assert big["metadata"]["asset_id"]
    db2 = client.get(f"{TYPES}/8c1a4480-1c29-4b33-9086-9cb799d7b157", params={"connection_properties": "true"}).json()
    properties = {entry["name"]: entry for entry in db2["entity"]["properties"]["connection"]}
    assert properties["host"]["required"] is True
    assert properties["password"]["masked"] is True
    assert client.get(f"{TYPES}/nope").status_code == 404


def test_secrets_are_stored_encrypted_and_never_shown(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    connection_id = wire.connection(client, space_id)
    patch = [{"op": "replace", "path": "/properties/host", "value": "other"}]
    export = client.post("/v2/asset_exports", params=params, json={"name": "e", "assets": {"all_assets": True}})
    answers = [
        client.get(f"/v2/connections/{connection_id}", params=params),
        client.patch(f"/v2/connections/{connection_id}", params=params, json=patch),
        client.get(f"/v2/assets/{connection_id}", params=params),
        client.post(f"/v2/assets/{connection_id}/revisions", params=params, json={}),
        client.get(f"/v2/assets/{connection_id}/revisions", params=params),
        client.get(f"/v2/assets/{connection_id}", params={**params, "revision_id": "1"}),
        client.get(f"/v2/assets/{connection_id}/attributes/sealed", params=params),
        client.post("/v2/asset_types/connection/search", params=params, json={"query": "*:*", "include": "entity"}),
        client.get(f"/v2/asset_exports/{export.json()['metadata']['id']}/content", params=params),
        client.delete(f"/v2/assets/{connection_id}", params=params),
        client.get("/v2/trashed_assets", params=params),
        client.get(f"/v2/trashed_assets/{connection_id}", params=params),
        client.post(f"/v2/trashed_assets/{connection_id}/restore", params=params),
    ]
    for answer in answers:
        assert answer.is_success, answer.text
        assert b"s3cret" not in answer.content
        assert b"sealed" not in answer.content
        assert b"password" not in answer.content
    with context.database.snapshot() as connection:
        asset = assets.get(connection, connection_id)
    assert asset is not None
    assert "s3cret" not in str(asset.entity)
    assert connections.properties(context, asset)["password"] == "s3cret"
    assert connections.properties(context, asset)["host"] == "other"


def test_a_connection_in_a_search_has_its_type(client: TestClient) -> None:
    space_id = wire.space(client)
    wire.connection(client, space_id)
    body = {"query": "*:*", "include": "entity", "limit": 200}
    found = client.post("/v2/asset_types/connection/search", params={"space_id": space_id}, json=body).json()
    datasource_type = client.get(f"{TYPES}/postgresql").json()["metadata"]["asset_id"]
    assert found["results"][0]["entity"]["connection"]["datasource_type"] == datasource_type


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"datasource_type": "nope"}, "datasource_type"),
        ({"datasource_type": None}, "datasource_type"),
        ({"properties": {"bad": 1}}, "properties.bad"),
        ({"properties": {"host": ["h"]}}, "properties.host"),
        ({"properties": [1]}, "properties"),
        ({"name": ""}, "name"),
    ],
)
def test_a_wrong_connection_is_refused(client: TestClient, members: wire.Json, field: str) -> None:
    given = {"host": "h", "port": "1", "username": "u", "password": "p", "database": "d"}
    body = {"name": "pg", "datasource_type": "postgresql", "properties": given, **members}
    answer = client.post("/v2/connections", params={"space_id": wire.space(client)}, json=body)
    assert answer.status_code == 400
    assert wire.error(answer)["target"]["name"] == field


@pytest.mark.parametrize(("kind", "url"), [("http", "https://u:p@example.org/x"), ("amazons3", "u:p@example.org")])
def test_a_password_in_a_url_is_refused_before_it_is_stored(client: TestClient, kind: str, url: str) -> None:
    body = {"name": "c", "datasource_type": kind, "properties": {"url": url}}
    params = {"space_id": wire.space(client), "test": "false"}
    answer = client.post("/v2/connections", params=params, json=body)
    assert answer.status_code == 400
    assert wire.error(answer)["target"]["name"] == "properties.url"
    mail = {"url": "https://example.org/by?mail=a@b.org"}
    assert client.post("/v2/connections", params=params, json=body | {"properties": mail}).status_code == 201


def test_secrets_are_changed_and_removed_by_patch(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    connection_id = wire.connection(client, space_id)
    path = f"/v2/connections/{connection_id}"
    new = [{"op": "replace", "path": "/properties/password", "value": "n3w"}]
    assert client.patch(path, params=params, json=new).status_code == 200
    with context.database.snapshot() as connection:
        asset = assets.get(connection, connection_id)
    assert asset is not None
    assert connections.properties(context, asset)["password"] == "n3w"
    gone = [{"op": "remove", "path": "/properties/password"}]
    assert client.patch(path, params=params, json=gone).status_code == 200
    with context.database.snapshot() as connection:
        asset = assets.get(connection, connection_id)
    assert asset is not None
    assert "password" not in connections.properties(context, asset)
    other_type = [{"op": "replace", "path": "/datasource_type", "value": "mysql"}]
    assert client.patch(path, params=params, json=other_type).status_code == 400


def test_a_deleted_connection_leaves_nothing(client: TestClient) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    connection_id = wire.connection(client, space_id)
    assert client.delete(f"/v2/connections/{connection_id}", params=params).status_code == 204
    assert client.get(f"/v2/connections/{connection_id}", params=params).status_code == 404
    assert client.get("/v2/trashed_assets", params=params).json()["resources"] == []


@pytest.fixture
def behind() -> Behind:
    return Behind(tables={f"public.t{number}": pa.table({"a": [1]}) for number in range(3)})


@pytest.fixture
def connected(context: Context, behind: Behind) -> Iterator[TestClient]:
    """A client of an app behind whose connections are tables in memory."""
    calls = BoundedCalls(at_once=2, seconds=0.2)
    with TestClient(create_api(replace(context, connect=behind.connect, calls=calls))) as made:
        log_in(made, ADMIN_API_KEY)
        yield made


def test_a_connection_is_tested_where_it_is_asked_for(connected: TestClient, behind: Behind) -> None:
    space_id = wire.space(connected)
    connection_id = wire.connection(connected, space_id)
    assert behind.opened == []
    params = {"space_id": space_id}
    answer = connected.post(f"/v2/connections/{connection_id}/test", params=params)
    assert answer.json() == {"ok": True, "message": "The connection pg works.", "seconds": answer.json()["seconds"]}
    assert behind.opened == [("postgresql", {**behind.opened[0][1], "password": "s3cret"})]
    assert connected.put(f"/v2/connections/{connection_id}/actions/test", params=params, json={}).json() == {}
    other = connected.put(f"/v2/connections/{connection_id}/actions/dance", params=params, json={})
    assert (other.status_code, wire.error(other)["code"]) == (404, "connection_action_not_found")


def test_a_connection_that_does_not_work_says_why_and_shows_no_secret(connected: TestClient, behind: Behind) -> None:
    space_id = wire.space(connected)
    params = {"space_id": space_id}
    connection_id = wire.connection(connected, space_id)
    behind.refusal = DataFailed("data_access_denied", "s3cret is no password of u", field="properties.password")
    tried = connected.post(f"/v2/connections/{connection_id}/test", params=params)
    assert (tried.status_code, tried.json()["ok"], tried.json()["message"]) == (200, False, "**** is no password of u")
    asked = connected.put(f"/v2/connections/{connection_id}/actions/test", params=params, json={})
    assert (asked.status_code, wire.error(asked)["code"]) == (400, "data_access_denied")
    assert wire.error(asked)["target"]["name"] == "properties.password"
    body = {"name": "n", "datasource_type": "postgresql", "properties": {"host": "h", "password": "s3cret"}}
    new = connected.post("/v2/connections", params={**params, "test": "true"}, json=body)
    assert (new.status_code, wire.error(new)["message"]) == (400, "**** is no password of u")
    search = {"query": "*:*", "include": "entity"}
    assert connected.post("/v2/asset_types/connection/search", params=params, json=search).json()["total_rows"] == 1
    behind.refusal = None
    assert connected.post("/v2/connections", params={**params, "test": "true"}, json=body).status_code == 201


def test_what_is_behind_a_connection_is_browsed_by_pages(connected: TestClient) -> None:
    space_id = wire.space(connected)
    path = f"/v2/connections/{wire.connection(connected, space_id)}/assets"
    root = connected.get(path, params={"space_id": space_id, "path": "/"}).json()
    assert root["assets"] == [{"id": "public", "name": "public", "type": "schema", "path": "/public", "details": {}}]
    assert root["asset_types"] == [{"type": "schema", "dataset": False, "dataset_container": True}]
    page = connected.get(path, params={"space_id": space_id, "path": "/public", "limit": 2}).json()
    assert [(entry["name"], entry["path"]) for entry in page["assets"]] == [("t0", "/public/t0"), ("t1", "/public/t1")]
    assert page["asset_types"] == [{"type": "table", "dataset": True, "dataset_container": False}]
    last = connected.get(page["next"]["href"]).json()
    assert [entry["name"] for entry in last["assets"]] == ["t2"]
    assert "next" not in last
    assert connected.get(path, params={"space_id": space_id, "limit": 0}).status_code == 400


def test_a_viewer_browses_and_does_not_test(context: Context, connected: TestClient, behind: Behind) -> None:
    space_id = wire.space(connected)
    connection_id = wire.connection(connected, space_id)
    user, key = add_user(context, "vera")
    members.add(context, admin(context), space_id, [NewMember(id=user.user_id, role="viewer")])
    params = {"space_id": space_id}
    with client_of(replace(context, connect=behind.connect), key) as viewer:
        _look_only(viewer, connection_id, params)


def _look_only(viewer: TestClient, connection_id: str, params: wire.Json) -> None:
    assert viewer.get(f"/v2/connections/{connection_id}/assets", params=params).status_code == 200
    assert viewer.post(f"/v2/connections/{connection_id}/test", params=params).status_code == 403
    assert viewer.put(f"/v2/connections/{connection_id}/actions/test", params=params, json={}).status_code == 403
    body = {"name": "n", "datasource_type": "postgresql", "properties": {}}
    assert viewer.post("/v2/connections", params={**params, "test": "true"}, json=body).status_code == 403


def test_a_slow_database_holds_up_few_and_none_for_long(connected: TestClient, behind: Behind) -> None:
    behind.hold = threading.Event()
    space_id = wire.space(connected)
    path = f"/v2/connections/{wire.connection(connected, space_id)}/test"
    messages = [connected.post(path, params={"space_id": space_id}).json()["message"] for _ in range(3)]
    assert messages == [
        "There was no answer within 0.2 s.",
        "There was no answer within 0.2 s.",
        "2 connections are being looked at already; try again in a moment.",
    ]
    behind.hold.set()
    eventually(lambda: connected.post(path, params={"space_id": space_id}).json()["ok"], within=5)


def test_datasource_types_tell_which_can_be_used_here(client: TestClient) -> None:
    shown = {name: client.get(f"{TYPES}/{name}").json()["entity"] for name in ("postgresql", "db2")}
    assert (shown["postgresql"]["status"], shown["db2"]["status"]) == ("active", "stored only")
    assert shown["db2"]["label"] == "IBM Db2 (connections are stored, and not used here)"

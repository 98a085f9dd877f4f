"""Connections and datasource types through the API: secrets go in and never come out."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire

from gristmill.service import connections
from gristmill.service.context import Context
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

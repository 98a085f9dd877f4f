"""The search and the trash through the API."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire

from gristmill.service.context import Context
from gristmill.store import contents


def _search(client: TestClient, space_id: str, type_name: str = "data_asset", **body: object) -> wire.Json:
    path = f"/v2/asset_types/{type_name}/search"
    answer = client.post(path, params={"space_id": space_id}, json={"query": "*:*", **body})
    assert answer.status_code == 200, answer.text
    found: wire.Json = answer.json()
    return found


def _names(found: wire.Json) -> list[str]:
    return [item["metadata"]["name"] for item in found["results"]]


def test_next_is_the_body_of_the_next_request(client: TestClient) -> None:
    space_id = wire.space(client)
    for number in range(5):
        wire.asset(client, space_id, metadata={"name": f"a{number}"})
    body: wire.Json | None = {"query": "*:*", "limit": 2, "include": "entity,attachments"}
    seen = []
    while body is not None:
        found = _search(client, space_id, **body)
        assert found["total_rows"] == 5
        assert all(item["attachments"] == [] for item in found["results"])
        seen += _names(found)
        body = found.get("next")
    assert seen == [f"a{number}" for number in range(5)]


def test_conditions_and_orders(client: TestClient) -> None:
    space_id = wire.space(client)
    wire.asset(client, space_id, metadata={"name": "Abc one", "tags": ["x", "y z"]})
    wire.asset(client, space_id, metadata={"name": "abc_two", "tags": ["x"]})
    wire.asset(client, space_id, metadata={"name": "100% Übung", "tags": ["Ü"]})
    assert _names(_search(client, space_id, query="asset.name:Abc*")) == ["Abc one", "abc_two"]
    assert _names(_search(client, space_id, query="abc*")) == ["Abc one", "abc_two"]
    assert _names(_search(client, space_id, query="asset.tags:x AND asset.name:*two")) == ["abc_two"]
    assert _names(_search(client, space_id, query='asset.tags:"y z"')) == ["Abc one"]
    assert _names(_search(client, space_id, query="asset.tags:Ü")) == ["100% Übung"]
    assert _names(_search(client, space_id, query="asset.name:100%*")) == ["100% Übung"]
    assert _names(_search(client, space_id, query="asset.name:abc?two")) == []
    assert _names(_search(client, space_id, query="asset.name:abc_*")) == ["abc_two"]
    assert _names(_search(client, space_id, sort="-asset.created_at"))[0] == "100% Übung"
    assert _names(_search(client, space_id, sort="asset.name", limit=1))[0] == "100% Übung"
    assert len(_search(client, space_id, "asset")["results"]) == 3
    assert _search(client, space_id, "script") == {"total_rows": 0, "results": []}


@pytest.mark.parametrize("sort", ["-created", "-name", "size", "-last_updated_at"])
def test_every_order_pages_to_the_end(client: TestClient, sort: str) -> None:
    space_id = wire.space(client)
    for number in range(4):
        wire.asset(client, space_id, metadata={"name": f"a{number}"})
    body: wire.Json | None = {"query": "*:*", "limit": 1, "sort": sort}
    seen = []
    while body is not None:
        found = _search(client, space_id, **body)
        seen += _names(found)
        body = found.get("next")
    assert sorted(seen) == ["a0", "a1", "a2", "a3"]
    if sort in {"-created", "-name"}:
        assert seen == ["a3", "a2", "a1", "a0"]


@pytest.mark.parametrize(
    "body", [{"query": "asset.name:a OR b"}, {"query": "nope:x"}, {"query": "(a"}, {"sort": "x"}, {"bookmark": "x"}]
)
def test_what_is_not_understood_is_refused(client: TestClient, body: wire.Json) -> None:
    answer = client.post("/v2/asset_types/data_asset/search", params={"space_id": wire.space(client)}, json=body)
    assert answer.status_code == 400


def test_a_search_sees_one_space(client: TestClient) -> None:
    space_id = wire.space(client)
    wire.asset(client, space_id)
    assert _search(client, wire.space(client, "other"))["total_rows"] == 0
    assert client.post("/v2/asset_types/data_asset/search", params={"space_id": "x"}, json={}).status_code == 404


def test_the_trash_gives_back_and_forgets(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    first, second = (wire.data_asset(client, space_id, name=name) for name in ("one", "two"))
    for asset_id in (first, second):
        assert client.delete(f"/v2/assets/{asset_id}", params=params).status_code == 204
    assert client.get(f"/v2/assets/{first}", params=params).status_code == 404
    assert _search(client, space_id)["total_rows"] == 0
    page = client.get("/v2/trashed_assets", params={**params, "limit": 1}).json()
    assert [item["metadata"]["name"] for item in page["resources"]] == ["one"]
    page = client.get(page["next"]["href"]).json()
    assert [item["metadata"]["name"] for item in page["resources"]] == ["two"]
    assert client.get(f"/v2/trashed_assets/{first}", params=params).status_code == 200
    assert client.post(f"/v2/trashed_assets/{first}/restore", params=params).status_code == 200
    assert wire.download(client, space_id, first) == b"a,b\n1,2\n"
    assert client.get(f"/v2/trashed_assets/{first}", params=params).status_code == 404
    client.delete(f"/v2/assets/{first}", params=params)
    assert client.delete(f"/v2/trashed_assets/{first}", params=params).status_code == 204
    assert client.delete("/v2/trashed_assets/purge_all", params=params).status_code == 204
    assert client.get("/v2/trashed_assets", params=params).json()["resources"] == []
    with context.database.snapshot() as connection:
        gone = contents.discarded(connection, before=context.now(), limit=10)
        assert len(gone) == 2
        assert contents.referred_to(connection, gone) == set()


def test_purge_on_delete_passes_by_the_trash(client: TestClient) -> None:
    space_id = wire.space(client)
    asset_id = wire.data_asset(client, space_id)
    params = {"space_id": space_id}
    assert client.delete(f"/v2/assets/{asset_id}", params={**params, "purge_on_delete": "true"}).status_code == 204
    assert client.get("/v2/trashed_assets", params=params).json()["resources"] == []


def test_an_asset_that_is_deployed_stays(client: TestClient) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    model_id = wire.model(client, space_id)["metadata"]["id"]
    wire.put_model(client, space_id, model_id, wire.PICKLE)
    body = {"name": "the deployment", "asset": {"id": model_id}, "batch": {}, "space_id": space_id}
    deployment = client.post("/ml/v4/deployments", json=body)
    assert deployment.status_code == 202, deployment.text
    for purge in ("true", "false"):
        refused = client.delete(f"/v2/assets/{model_id}", params={**params, "purge_on_delete": purge})
        assert (refused.status_code, wire.error(refused)["code"]) == (409, "asset_in_use")
        assert "the deployment" in wire.error(refused)["message"]
    deployment_id = deployment.json()["metadata"]["id"]
    assert client.delete(f"/ml/v4/deployments/{deployment_id}", params=params).status_code == 204
    # The engine has not purged the deployment yet, and it refers to the asset: the trash takes it for now.
    assert client.delete(f"/v2/assets/{model_id}", params={**params, "purge_on_delete": "true"}).status_code == 204
    assert client.get(f"/ml/v4/models/{model_id}", params=params).status_code == 404
    assert client.delete("/v2/trashed_assets/purge_all", params=params).status_code == 204
    assert len(client.get("/v2/trashed_assets", params=params).json()["resources"]) == 1

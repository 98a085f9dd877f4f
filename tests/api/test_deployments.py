"""Batch deployments over HTTP: made, changed, listed, taken down, and refused with the field named."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from tests.make_work import Shop, open_shop

from gristmill.service.context import Context

DEPLOYMENTS = "/ml/v4/deployments"
NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def document(shop: Shop, **members: Any) -> dict[str, Any]:
    asset = {"id": shop.deploy().asset_id}
    return {"name": "d", "space_id": shop.space_id, "asset": asset, "batch": {}, **members}


def limit_of(context: Context, deployment_id: str) -> int:
    with context.database.snapshot() as connection:
        query = text("SELECT max_running FROM lanes WHERE id = :id")
        return int(connection.execute(query, {"id": deployment_id}).scalar_one())


def test_a_deployment_is_ready_with_two_at_once_unless_it_says_otherwise(
    client: TestClient, shop: Shop, context: Context
) -> None:
    made = client.post(DEPLOYMENTS, json=document(shop, hardware_spec={"name": "M"}, tags=["x"]))
    assert made.status_code == 202
    entity, metadata = made.json()["entity"], made.json()["metadata"]
    assert entity["status"] == {"state": "ready"}
    assert entity["hardware_spec"] == {"id": "c076e82c-b2a7-4d20-9c0f-1f0c2fdf5a24", "name": "M"}
    assert (entity["batch"], metadata["tags"], limit_of(context, metadata["id"])) == ({"max_running": 2}, ["x"], 2)
    more = client.post(DEPLOYMENTS, json=document(shop, batch={"max_running": 7})).json()
    assert limit_of(context, more["metadata"]["id"]) == 7


def test_the_limit_and_the_rest_can_be_patched(client: TestClient, shop: Shop, context: Context) -> None:
    made = client.post(DEPLOYMENTS, json=document(shop)).json()["metadata"]["id"]
    operations = [
        {"op": "replace", "path": "/name", "value": "other"},
        {"op": "add", "path": "/batch/max_running", "value": 5},
        {"op": "replace", "path": "/hardware_spec", "value": {"name": "L"}},
        {"op": "remove", "path": "/description"},
    ]
    changed = client.patch(f"{DEPLOYMENTS}/{made}", params={"space_id": shop.space_id}, json=operations)
    assert changed.status_code == 200
    entity = changed.json()["entity"]
    assert (entity["name"], entity["hardware_spec"]["name"], entity["batch"]) == ("other", "L", {"max_running": 5})
    assert limit_of(context, made) == 5


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"batch": None, "online": {}}, "batch"),
        ({"batch": {"max_running": 0}}, "batch.max_running"),
        ({"asset": {"id": NOWHERE}}, "asset.id"),
        ({"asset": {"id": NOWHERE, "rev": "x"}}, "asset.rev"),
        ({"hardware_spec": {"name": "XXXXL"}}, "hardware_spec"),
        ({"name": ""}, "name"),
        ({"serving_name": "No Good"}, "serving_name"),
    ],
)
def test_what_is_wrong_is_named(client: TestClient, shop: Shop, members: dict[str, Any], field: str) -> None:
    answer = client.post(DEPLOYMENTS, json=document(shop, **members))
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["target"]["name"].startswith(field)


def test_a_data_asset_is_not_deployable(client: TestClient, shop: Shop) -> None:
    answer = client.post(DEPLOYMENTS, json=document(shop, asset={"id": shop.data_asset("in.csv", b"a\n1\n")}))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "asset_not_deployable")


def test_an_unknown_patch_changes_nothing(client: TestClient, shop: Shop) -> None:
    made = client.post(DEPLOYMENTS, json=document(shop)).json()["metadata"]["id"]
    scope = {"space_id": shop.space_id}
    operations = [
        {"op": "replace", "path": "/name", "value": "other"},
        {"op": "replace", "path": "/status", "value": "x"},
    ]
    answer = client.patch(f"{DEPLOYMENTS}/{made}", params=scope, json=operations)
    assert (answer.status_code, answer.json()["errors"][0]["target"]["name"]) == (400, "[1].path")
    assert client.get(f"{DEPLOYMENTS}/{made}", params=scope).json()["entity"]["name"] == "d"


def test_serving_names_are_unique_and_can_be_asked_for(client: TestClient, shop: Shop) -> None:
    made = client.post(DEPLOYMENTS, json=document(shop, serving_name="nightly_1")).json()["metadata"]["id"]
    ask = {"serving_name": "nightly_1", "conflict": "true"}
    assert client.get(DEPLOYMENTS, params=ask).status_code == 409
    assert client.get(DEPLOYMENTS, params={**ask, "serving_name": "free"}).status_code == 204
    assert client.post(DEPLOYMENTS, json=document(shop, serving_name="nightly_1")).status_code == 409
    assert client.get(f"{DEPLOYMENTS}/nightly_1", params={"space_id": shop.space_id}).json()["metadata"]["id"] == made
    assert client.delete(f"{DEPLOYMENTS}/{made}", params={"space_id": shop.space_id}).status_code == 204
    assert client.get(DEPLOYMENTS, params=ask).status_code == 204
    assert client.get(f"{DEPLOYMENTS}/{made}", params={"space_id": shop.space_id}).status_code == 404


def test_a_text_that_one_of_the_databases_cannot_keep_is_never_our_fault(client: TestClient, shop: Shop) -> None:
    answer = client.post(DEPLOYMENTS, json=document(shop, name="a\0b", custom={"x": "\0"}))
    assert answer.status_code in {202, 400}


def test_definitions_are_kept_with_revisions(client: TestClient, shop: Shop) -> None:
    scope = {"space_id": shop.space_id}
    path = "/ml/v4/deployment_job_definitions"
    body = {"name": "n", "deployment": {"id": shop.deploy().id}, "scoring": {"input_data_references": []}, **scope}
    made = client.post(path, json=body)
    assert made.status_code == 201
    definition = made.json()["metadata"]["id"]
    assert made.json()["entity"]["scoring"] == {"input_data_references": []}
    frozen = client.post(f"{path}/{definition}/revisions", params=scope)
    assert (frozen.status_code, frozen.json()["metadata"]["rev"]) == (201, "1")
    rename = [{"op": "replace", "path": "/name", "value": "m"}]
    assert client.patch(f"{path}/{definition}", params=scope, json=rename).json()["metadata"]["name"] == "m"
    assert client.get(f"{path}/{definition}", params={**scope, "rev": 1}).json()["metadata"]["name"] == "n"
    assert [item["metadata"]["rev"] for item in _listed(client, f"{path}/{definition}/revisions", scope)] == ["1"]
    assert len(_listed(client, path, scope)) == 1
    assert client.delete(f"{path}/{definition}", params=scope).status_code == 204
    assert _listed(client, path, scope) == []


def _listed(client: TestClient, path: str, scope: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(path, params=scope).json()["resources"]
    return found

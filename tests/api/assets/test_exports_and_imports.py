"""Exports, imports, parameter sets and the lists that are always empty, through the API."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire

from gristmill.service.context import Context

EXPORTS, IMPORTS = "/v2/asset_exports", "/v2/asset_imports"
MODEL = wire.tar_gz({"m.pkl": wire.PICKLE})


def _export(client: TestClient, space_id: str, **assets: object) -> bytes:
    body = {"name": "ex", "assets": assets or {"all_assets": True}}
    made = client.post(EXPORTS, params={"space_id": space_id}, json=body)
    assert made.status_code == 202, made.text
    assert made.json()["entity"]["status"]["state"] == "completed"
    answer = client.get(f"{EXPORTS}/{made.json()['metadata']['id']}/content", params={"space_id": space_id})
    return bytes(answer.content)


def _import(client: TestClient, space_id: str, content: bytes) -> Any:
    headers = {"content-type": "application/zip"}
    return client.post(IMPORTS, params={"space_id": space_id}, content=content, headers=headers)


def _kept(context: Context) -> set[Path]:
    return {path for path in (context.data_dir / "content").rglob("*") if path.is_file()}


def _furnished(client: TestClient) -> str:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    model_id = wire.model(client, space_id, tags=["t"])["metadata"]["id"]
    wire.put_model(client, space_id, model_id, MODEL)
    wire.function(client, space_id, b"x = 1\n")
    wire.data_asset(client, space_id)
    connection_id = wire.connection(client, space_id)
    asset_id = wire.asset(client, space_id, metadata={"name": "connected"})["asset_id"]
    remote = {"name": "t1", "connection_id": connection_id, "connection_path": "public/t1", "is_remote": True}
    client.post(f"/v2/assets/{asset_id}/attachments", params=params, json=remote)
    return space_id


def test_a_space_moves_to_another(client: TestClient, context: Context) -> None:
    content = _export(client, _furnished(client))
    target = wire.space(client, "target")
    params = {"space_id": target}
    done = _import(client, target, content)
    assert done.status_code == 202, done.text
    left = {"name": "pg", "type": "connection", "note": "set its secrets again: password"}
    assert done.json()["entity"]["summary"] == {"imported": 5, "skipped": [], "attention": [left]}
    models = client.get("/ml/v4/models", params=params).json()["resources"]
    assert models[0]["entity"]["content_import_state"] == "completed"
    assert models[0]["metadata"]["tags"] == ["t"]
    model_id = models[0]["metadata"]["id"]
    assert client.get(f"/ml/v4/models/{model_id}/download", params=params).content == MODEL
    body = {"query": "asset.name:connected", "include": "entity,attachments"}
    found = client.post("/v2/asset_types/data_asset/search", params=params, json=body).json()["results"][0]
    connections = client.post("/v2/asset_types/connection/search", params=params, json={"query": "*:*"}).json()
    assert found["attachments"][0]["connection_id"] == connections["results"][0]["metadata"]["asset_id"]
    kept = _kept(context)
    again = _import(client, target, content).json()["entity"]["summary"]
    assert again["imported"] == 0
    assert {entry["name"] for entry in again["skipped"]} == {"a model", "a function", "in.csv", "pg", "connected"}
    assert _kept(context) == kept
    assert list((context.data_dir / "staging").iterdir()) == []


def test_some_assets_are_exported_by_id_or_type(client: TestClient) -> None:
    space_id = _furnished(client)
    with zipfile.ZipFile(io.BytesIO(_export(client, space_id, asset_types=["wml_model"]))) as archive:
        assert [asset["type"] for asset in json.loads(archive.read("manifest.json"))["assets"]] == ["wml_model"]
    asset_id = wire.data_asset(client, space_id, name="other")
    with zipfile.ZipFile(io.BytesIO(_export(client, space_id, asset_ids=[asset_id]))) as archive:
        assert [asset["name"] for asset in json.loads(archive.read("manifest.json"))["assets"]] == ["other"]


@pytest.mark.parametrize("assets", [None, {}, {"all_assets": False}, {"asset_ids": ["nope"]}, {"asset_types": "x"}])
def test_an_export_of_nothing_is_refused(client: TestClient, assets: object) -> None:
    answer = client.post(EXPORTS, params={"space_id": wire.space(client)}, json={"name": "x", "assets": assets})
    assert answer.status_code == 400


def test_exports_are_listed_and_deleted(client: TestClient) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    _export(client, space_id)
    listed = client.get(EXPORTS, params=params).json()["resources"]
    path = f"{EXPORTS}/{listed[0]['metadata']['id']}"
    assert client.delete(path, params=params).status_code == 204
    assert client.get(path, params=params).json()["entity"]["status"]["state"] == "completed"
    assert client.get(path, params={"space_id": wire.space(client, "other")}).status_code == 404
    assert client.get(path.replace("exports", "imports"), params=params).status_code == 404
    assert client.delete(path, params={**params, "hard_delete": "true"}).status_code == 204
    assert client.get(path, params=params).status_code == 404
    done = _import(client, space_id, wire.zipped({"manifest.json": _manifest()})).json()["metadata"]["id"]
    assert [item["metadata"]["id"] for item in client.get(IMPORTS, params=params).json()["resources"]] == [done]
    assert client.delete(f"{IMPORTS}/{done}", params={**params, "hard_delete": "true"}).status_code == 204


def _manifest(*assets: wire.Json, **members: Any) -> bytes:
    return json.dumps({"format": "gristmill-export", "version": 1, "assets": list(assets), **members}).encode()


def _entry(type_name: str, **members: Any) -> wire.Json:
    entry = {"id": "1", "type": type_name, "name": "n", "description": "", "tags": [], "entity": {}, "files": []}
    return {**entry, **members}


FILES = [{"name": "x", "mime": "x", "path": "contents/1"}]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zip",
        wire.zipped({}),
        wire.zipped({"manifest.json": b"{"}),
        wire.zipped({"manifest.json": b"[]"}),
        wire.zipped({"manifest.json": _manifest(version=2)}),
        wire.zipped({"manifest.json": _manifest({"type": "data_asset"})}),
        wire.zipped({"manifest.json": _manifest(_entry("data_asset", files=FILES))}),
        wire.zipped({"manifest.json": _manifest(), "../x": b""}),
        wire.zipped({"manifest.json": _manifest(_entry("x", entity={"sealed": {}}))}),
        wire.zipped({"manifest.json": _manifest(_entry("x", files=[{**FILES[0], "path": "../../etc/passwd"}]))}),
        wire.zipped({"manifest.json": _manifest()})[:-10],
    ],
)
def test_a_file_that_is_no_export_is_refused(client: TestClient, context: Context, content: bytes) -> None:
    space_id = wire.space(client)
    answer = _import(client, space_id, content)
    assert answer.status_code == 400, answer.text
    assert client.get(IMPORTS, params={"space_id": space_id}).json()["resources"] == []
    assert list((context.data_dir / "staging").iterdir()) == []
    assert _kept(context) == set()


def test_what_cannot_be_imported_is_skipped_and_named(client: TestClient, context: Context) -> None:
    wrong = {"type": "unsupported_1.0", "software_spec": {"name": wire.RUNTIME}}
    strange = {"type": "scikit-learn_1.3", "software_spec": {"name": "custom"}}
    broken = {"type": "scikit-learn_1.3", "software_spec": {"name": wire.RUNTIME}}
    leak = {"connection": {"name": "n", "datasource_type": "postgresql", "properties": {"password": "s3cret"}}}
    entries = [
        _entry("wml_model", name="wrong", entity=wrong),
        _entry("wml_model", name="strange", entity=strange),
        _entry("wml_model", name="broken", entity=broken, files=FILES),
        _entry("connection", name="n", entity=leak),
        _entry("connection", name="bad", entity={"connection": {"datasource_type": "x"}}),
        _entry("data_asset", name="good"),
    ]
    space_id = wire.space(client)
    content = wire.zipped({"manifest.json": _manifest(*entries), "contents/1": b"no pickle"})
    summary = _import(client, space_id, content).json()["entity"]["summary"]
    assert summary["imported"] == 2
    assert {entry["name"] for entry in summary["skipped"]} == {"wrong", "strange", "broken", "bad"}
    assert all(entry["reason"] for entry in summary["skipped"])
    found = client.post("/v2/asset_types/connection/search", params={"space_id": space_id}, json={"query": "*:*"})
    assert "s3cret" not in found.text
    assert _kept(context) == set()


def test_parameter_sets(client: TestClient) -> None:
    params = {"space_id": wire.space(client)}
    parameter = {"name": "p", "prompt": "p", "type": "string", "value": "v"}
    body = {"parameter_set": {"name": "ps", "description": "d", "parameters": [parameter]}}
    made = client.post("/v2/parameter_sets", params=params, json=body)
    assert made.status_code == 201
    path = f"/v2/parameter_sets/{made.json()['metadata']['asset_id']}"
    patch = [{"op": "replace", "path": "/entity/parameter_set/description", "value": "d2"}]
    assert client.patch(path, params=params, json=patch).status_code == 200
    assert client.get(path, params=params).json()["entity"]["parameter_set"]["description"] == "d2"
    listed = client.get("/v2/parameter_sets", params=params).json()["parameter_sets"]
    assert [(item["metadata"]["name"], bool(item["metadata"]["create_time"])) for item in listed] == [("ps", True)]
    body["parameter_set"]["parameters"] = [parameter, parameter]
    assert client.post("/v2/parameter_sets", params=params, json=body).status_code == 400
    assert client.patch(path, params=params, json=[{**patch[0], "path": "/entity/x"}]).status_code == 400
    assert client.delete(path, params=params).status_code == 204
    assert client.get(path, params=params).status_code == 404


def test_kinds_that_are_not_kept_have_empty_lists(client: TestClient) -> None:
    params = {"space_id": wire.space(client)}
    for name in ("experiments", "pipelines", "ai_services", "trainings"):
        listed = client.get(f"/ml/v4/{name}", params=params).json()
        assert (listed["resources"], listed["first"]["href"][:4]) == ([], "http")
        assert client.get(f"/ml/v4/{name}/x", params=params).status_code == 404
    for path in ("/wx/v1/prompts/x", "/wx/v1-beta/prompts/x"):
        assert client.get(path, params=params).status_code == 404
    older = client.get("/ml/v4/list/software_specifications", params=params).json()["results"]
    assert {"id", "name", "state", "replacement"} == set(older[0])

"""Data assets, scripts and attachments through the API, as both modes of the clients use them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire
from tests.people import ADMIN_API_KEY, client_of

from gristmill.service import signed_links
from gristmill.service.context import Context


def test_a_file_goes_in_and_comes_out(client: TestClient) -> None:
    space_id = wire.space(client)
    content = b"a,b\n1,2\n" * 300_000
    asset_id = wire.data_asset(client, space_id, content)
    found = client.get(f"/v2/assets/{asset_id}", params={"space_id": space_id}).json()
    assert found["metadata"]["size"] == len(content)
    assert found["href"] == f"/v2/assets/{asset_id}?space_id={space_id}"
    assert found["metadata"]["usage"]["last_updated_at"]
    assert "connection_id" not in found["attachments"][0]
    assert found["attachments"][0]["transfer_complete"] is True
    assert wire.download(client, space_id, asset_id) == content


def test_cloud_clients_get_absolute_links_and_send_raw_bytes(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    asset_id = wire.asset(client, space_id)["asset_id"]
    with client_of(context, ADMIN_API_KEY, mode="cloud") as cloud:
        path = f"/v2/assets/{asset_id}/attachments"
        declared = cloud.post(path, params={"space_id": space_id}, json={"name": "in.csv"}).json()
        assert declared["url1"].startswith("http://testserver/signed/asset/")
        assert cloud.put(declared["url1"], content=b"raw").status_code == 201
        done = cloud.post(f"{path}/{declared['attachment_id']}/complete", params={"space_id": space_id})
        assert done.status_code == 200
    assert wire.download(client, space_id, asset_id) == b"raw"


def test_links_are_good_for_one_thing_and_one_hour(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    asset_id = wire.data_asset(client, space_id)
    attachment = client.get(f"/v2/assets/{asset_id}", params={"space_id": space_id}).json()["attachments"][0]
    path = f"/signed/asset/{asset_id}/{attachment['id']}"
    link = signed_links.link(context, "GET", path)
    stranger = TestClient(client.app)
    assert stranger.get(link).status_code == 200
    assert stranger.put(link, content=b"x").status_code == 403
    assert stranger.get(path).status_code == 403
    assert stranger.get(f"{path}?signature=9999999999.{'0' * 64}").status_code == 403
    other = link.replace(attachment["id"], asset_id)
    assert stranger.get(other).status_code == 403
    before = context.now() - signed_links.LIFETIME - timedelta(seconds=1)
    old = context.secrets.sign_path(f"GET {path}", before + signed_links.LIFETIME)
    assert stranger.get(f"{path}?signature={old}").status_code == 403


def test_an_upload_is_taken_once(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    asset_id = wire.asset(client, space_id)["asset_id"]
    path, params = f"/v2/assets/{asset_id}/attachments", {"space_id": space_id}
    declared = client.post(path, params=params, json={"name": "in.csv"}).json()
    complete = f"{path}/{declared['attachment_id']}/complete"
    assert client.post(complete, params=params).status_code == 400
    assert client.put(declared["url1"], content=b"one").status_code == 201
    assert client.put(declared["url1"], content=b"two").status_code == 201
    assert client.post(complete, params=params).status_code == 200
    assert client.post(complete, params=params).status_code == 200
    assert client.put(declared["url1"], content=b"three").status_code == 409
    assert wire.download(client, space_id, asset_id) == b"two"
    assert list((context.data_dir / "staging").iterdir()) == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\nabc", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="y"\r\n\r\nabc\r\n--x--', "multipart/form-data; boundary=x"),
        (b"abc", "multipart/form-data; boundary=x"),
        (b"abc", "multipart/form-data"),
        (b"--x\r\n" + b"A" * 100_000, "multipart/form-data; boundary=x"),
    ],
)
def test_broken_forms_are_refused(client: TestClient, body: bytes, content_type: str) -> None:
    space_id = wire.space(client)
    asset_id = wire.asset(client, space_id)["asset_id"]
    path = f"/v2/assets/{asset_id}/attachments"
    declared = client.post(path, params={"space_id": space_id}, json={"name": "in.csv"}).json()
    answer = client.put(declared["url1"], content=body, headers={"content-type": content_type})
    assert (answer.status_code, wire.error(answer)["code"]) == (400, "invalid_form")


def test_a_new_upload_of_the_same_name_takes_the_place_of_the_old(client: TestClient) -> None:
    space_id = wire.space(client)
    asset_id = wire.data_asset(client, space_id, b"old")
    wire.attach(client, space_id, asset_id, b"newer")
    found = client.get(f"/v2/assets/{asset_id}", params={"space_id": space_id}).json()
    assert (len(found["attachments"]), found["metadata"]["size"]) == (1, 5)
    assert wire.download(client, space_id, asset_id) == b"newer"


def test_attachments_are_deleted(client: TestClient) -> None:
    space_id = wire.space(client)
    asset_id = wire.asset(client, space_id)["asset_id"]
    attachment_id = wire.attach(client, space_id, asset_id, b"x")
    client.post(f"/v2/assets/{asset_id}/revisions", params={"space_id": space_id}, json={"commit_message": "one"})
    path = f"/v2/assets/{asset_id}/attachments/{attachment_id}"
    assert client.delete(path, params={"space_id": space_id}).status_code == 204
    assert client.delete(path, params={"space_id": space_id}).status_code == 404
    params = {"space_id": space_id}
    head = client.get(f"/v2/assets/{asset_id}", params=params).json()
    assert (head["attachments"], head["metadata"]["size"]) == ([], 0)
    frozen = client.get(f"/v2/assets/{asset_id}", params={**params, "revision_id": "1"}).json()
    assert frozen["metadata"]["commit_info"]["commit_message"] == "one"
    again = f"/v2/assets/{asset_id}/attachments/{frozen['attachments'][0]['id']}"
    assert client.get(client.get(again, params=params).json()["url"]).content == b"x"
    assert client.delete(again, params=params).status_code == 409


def test_duplicate_actions(client: TestClient) -> None:
    space_id = wire.space(client)
    first = wire.data_asset(client, space_id, b"old", "dup.csv")
    again = {"metadata": {"name": "dup.csv", "description": "new"}}
    assert wire.asset(client, space_id, **again)["asset_id"] != first
    replaced = wire.asset(client, space_id, **again, params={"duplicate_action": "REPLACE"})
    assert (replaced["asset_id"], replaced["attachments"], replaced["metadata"]["size"]) == (first, [], 0)
    assert replaced["metadata"]["description"] == "new"
    wire.attach(client, space_id, first, b"new", "dup.csv")
    updated = wire.asset(client, space_id, **again, params={"duplicate_action": "UPDATE"})
    assert (updated["asset_id"], len(updated["attachments"])) == (first, 1)
    body = {"metadata": {"name": "dup.csv", "asset_type": "data_asset"}}
    params = {"space_id": space_id}
    rejected = client.post("/v2/assets", params={**params, "duplicate_action": "REJECT"}, json=body)
    assert rejected.status_code == 409
    assert client.post("/v2/assets", params={**params, "duplicate_action": "x"}, json=body).status_code == 400


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "metadata"),
        ({"metadata": {"name": "x"}}, "metadata.asset_type"),
        ({"metadata": {"asset_type": "data_asset"}}, "metadata.name"),
        ({"metadata": {"name": "x", "asset_type": "wml_model"}}, "metadata.asset_type"),
        ({"metadata": {"name": "x", "asset_type": "connection"}}, "metadata.asset_type"),
        ({"metadata": {"name": "x", "asset_type": "data_asset"}, "entity": []}, "entity"),
        ({"metadata": {"name": "x", "asset_type": "data_asset"}, "entity": {"sealed": {}}}, "entity"),
        (
            {"metadata": {"name": "x", "asset_type": "script"}, "entity": {"script": {"software_spec": {"id": "?"}}}},
            "entity.script.software_spec",
        ),
    ],
)
def test_a_wrong_asset_is_refused(client: TestClient, document: wire.Json, field: str) -> None:
    answer = client.post("/v2/assets", params={"space_id": wire.space(client)}, json=document)
    assert answer.status_code == 400
    assert wire.error(answer)["target"]["name"] == field


def test_a_script_is_updated_as_the_client_does_it(client: TestClient) -> None:
    space_id, params = wire.space(client), {}
    params = {"space_id": space_id}
    specification = {"base_id": "f47ae1c3-198e-5718-b59d-2ea471561e9e"}
    script = {"ml_version": "4.0.0", "language": {"name": "python3"}, "software_spec": specification}
    made = wire.asset(client, space_id, metadata={"asset_type": "script"}, entity={"script": script})
    asset_id = made["asset_id"]
    old = wire.attach(client, space_id, asset_id, b"print(1)", f"attachment_{asset_id}")
    rename = [{"op": "replace", "path": "/metadata/name", "value": "new name"}]
    assert client.patch(f"/v2/assets/{asset_id}", params=params, json=rename).json()["metadata"]["name"] == "new name"
    client.delete(f"/v2/assets/{asset_id}/attachments/{old}", params=params)
    wire.attach(client, space_id, asset_id, b"print(2)", "new name")
    assert wire.download(client, space_id, asset_id) == b"print(2)"
    path = f"/v2/assets/{asset_id}/attributes/script"
    other = [{"op": "replace", "path": "/software_spec/base_id", "value": "45f12dfe-aa78-5b8d-9f38-0ee223c47309"}]
    assert client.patch(path, params=params, json=other).json()["software_spec"]["base_id"].startswith("45f12dfe")
    unknown = [{"op": "replace", "path": "/software_spec/base_id", "value": "nope"}]
    assert client.patch(path, params=params, json=unknown).status_code == 400
    assert client.get(path, params=params).json()["software_spec"]["base_id"].startswith("45f12dfe")


@pytest.mark.parametrize("path", ["/metadata/owner_id", "/metadata", "/asset_id", "/metadata/size"])
def test_other_metadata_is_not_patched(client: TestClient, path: str) -> None:
    space_id = wire.space(client)
    asset_id = wire.asset(client, space_id)["asset_id"]
    operations = [{"op": "replace", "path": path, "value": "x"}]
    answer = client.patch(f"/v2/assets/{asset_id}", params={"space_id": space_id}, json=operations)
    assert answer.status_code == 400
    assert path in wire.error(answer)["message"]


def test_a_models_content_does_not_pass_by_its_checks(client: TestClient) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    wire.put_model(client, space_id, model_id, wire.PICKLE)
    params = {"space_id": space_id}
    path = f"/v2/assets/{model_id}/attachments"
    assert client.post(path, params=params, json={"name": "x"}).status_code == 400
    attachment = client.get(f"/v2/assets/{model_id}", params=params).json()["attachments"][0]
    assert client.delete(f"{path}/{attachment['id']}", params=params).status_code == 400
    operations = [{"op": "replace", "path": "/entity/type", "value": "x"}]
    assert client.patch(f"/v2/assets/{model_id}", params=params, json=operations).status_code == 400


def test_a_connected_data_asset_points_to_its_connection(client: TestClient) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    asset_id = wire.asset(client, space_id)["asset_id"]
    path = f"/v2/assets/{asset_id}/attachments"
    remote = {"name": "t1", "connection_id": "nope", "connection_path": "public/t1", "is_remote": True}
    assert client.post(path, params=params, json=remote).status_code == 400
    remote["connection_id"] = wire.connection(client, space_id)
    made = client.post(path, params=params, json=remote)
    assert (made.status_code, "url1" in made.json(), made.json()["is_remote"]) == (201, False, True)
    found = client.get(f"{path}/{made.json()['attachment_id']}", params=params).json()
    assert found["connection_path"] == "public/t1"
    assert "url" not in found


def test_folder_assets(client: TestClient) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    connection_id = wire.connection(client, space_id)
    folder = {"connection_path": "/bucket/folder", "connection_id": connection_id}
    body = {"metadata": {"name": "fld", "asset_type": "folder_asset"}, "entity": {"folder_asset": folder}}
    made = client.post("/v2/folder_assets", params=params, json=body)
    assert made.status_code == 201
    found = client.post("/v2/asset_types/folder_asset/search", params=params, json={"query": "*:*"}).json()["results"]
    assert found[0]["entity"]["folder_asset"] == folder
    assert client.delete(f"/v2/assets/{made.json()['asset_id']}", params=params).status_code == 204
    body["entity"] = {"folder_asset": {"connection_id": made.json()["asset_id"]}}
    assert client.post("/v2/folder_assets", params=params, json=body).status_code == 400

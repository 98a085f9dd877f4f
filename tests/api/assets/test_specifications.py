"""Software and hardware specifications and package extensions through the API."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire

SOFTWARE, HARDWARE, EXTENSIONS = "/v2/software_specifications", "/v2/hardware_specifications", "/v2/package_extensions"


def test_predefined_software(client: TestClient) -> None:
    params = {"space_id": wire.space(client)}
    listed = client.get(SOFTWARE, params=params).json()
    by_name = {item["metadata"]["name"]: item for item in listed["resources"]}
    assert listed["total_results"] == len(by_name)
    assert by_name["runtime-24.1-py3.11"]["metadata"]["asset_id"] == "45f12dfe-aa78-5b8d-9f38-0ee223c47309"
    assert by_name["runtime-24.1-r4.3"]["metadata"]["asset_id"] == "c9679e95-1b5e-590d-a6ce-0c15dc870a0a"
    for name in ("runtime-25.1-r4.4", "default_r3.6"):
        entity = by_name[name]["entity"]["software_specification"]
        assert entity["software_configuration"]["platform"]["name"] == "r"
        assert len(entity["software_configuration"]["included_packages"]) > 1
        assert by_name[name]["metadata"]["life_cycle"]
    own = next(item for name, item in by_name.items() if name.startswith("gristmill-py3."))
    packages = own["entity"]["software_specification"]["software_configuration"]["included_packages"]
    assert {"scikit-learn", "pandas"} <= {package["name"] for package in packages}
    one = client.get(SOFTWARE, params={**params, "name": "runtime-25.1-py3.12"}).json()
    assert one["total_results"] == 1
    assert one["resources"][0]["metadata"]["href"].startswith("/v2/software_specifications/")
    assert client.get(SOFTWARE, params={**params, "name": "nope"}).json() == {"total_results": 0, "resources": []}
    asset_id = one["resources"][0]["metadata"]["asset_id"]
    assert client.get(f"{SOFTWARE}/{asset_id}", params=params).json() == one["resources"][0]
    assert client.delete(f"{SOFTWARE}/{asset_id}", params=params).status_code == 409
    assert client.get(f"{SOFTWARE}/runtime-25.1-py3.12", params=params).status_code == 404


def _extension(client: TestClient, params: wire.Json, name: str = "pe") -> wire.Json:
    made = client.post(EXTENSIONS, params=params, json={"name": name, "type": "conda_yml"})
    assert made.status_code == 201, made.text
    document: wire.Json = made.json()
    return document


def test_a_package_extension_is_uploaded_and_downloaded(client: TestClient) -> None:
    params = {"space_id": wire.space(client)}
    made = _extension(client, params)
    extension_id, link = made["metadata"]["asset_id"], made["entity"]["package_extension"]["href"]
    complete = f"{EXTENSIONS}/{extension_id}/upload_complete"
    assert client.post(complete, params=params).status_code == 400
    sent = client.put(link, files={"file": ("/home/user/env.yml", b"name: x\n")}, headers={"Authorization": ""})
    assert sent.status_code == 201
    assert client.post(complete, params=params).status_code == 204
    assert client.put(link, content=b"other").status_code == 409
    read = client.get(f"{EXTENSIONS}/{extension_id}", params=params).json()["entity"]["package_extension"]
    assert read["type"] == "conda_yml"
    assert client.get(read["href"], headers={"Authorization": ""}).content == b"name: x\n"
    assert client.put(read["href"], content=b"x").status_code == 403
    listed = client.get(EXTENSIONS, params=params).json()
    assert listed["total_results"] == 1
    assert client.post(EXTENSIONS, params=params, json={"name": "pe", "type": "conda_yml"}).status_code == 409
    assert client.post(EXTENSIONS, params=params, json={"name": "x", "type": "rpm"}).status_code == 400


def test_an_extension_that_wants_what_cannot_be_had_is_refused_with_its_line(client: TestClient) -> None:
    params = {"space_id": wire.space(client)}
    made = _extension(client, params)
    extension_id, link = made["metadata"]["asset_id"], made["entity"]["package_extension"]["href"]
    complete = f"{EXTENSIONS}/{extension_id}/upload_complete"
    assert client.put(link, content=b"dependencies:\n- numpy\n", headers={"Authorization": ""}).status_code == 201
    refused = client.post(complete, params=params)
    assert refused.status_code == 400
    assert "package extension pe, line 2: '- numpy' is a package of conda's" in wire.error(refused)["message"]
    mended = b"dependencies:\n- pip:\n  - numpy\n"  # the upload stays open for another try
    assert client.put(link, content=mended, headers={"Authorization": ""}).status_code == 201
    assert client.post(complete, params=params).status_code == 204


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip file", b"\xff\xfe"])
def test_a_library_that_is_no_archive_is_refused(client: TestClient, content: bytes) -> None:
    params = {"space_id": wire.space(client)}
    made = client.post(EXTENSIONS, params=params, json={"name": "lib", "type": "custom_library"}).json()
    link = made["entity"]["package_extension"]["href"]
    assert client.put(link, content=content, headers={"Authorization": ""}).status_code == 201
    refused = client.post(f"{EXTENSIONS}/{made['metadata']['asset_id']}/upload_complete", params=params)
    assert refused.status_code == 400
    assert "package extension lib: it is no wheel" in wire.error(refused)["message"]


def test_a_derived_specification(client: TestClient) -> None:
    space_id = wire.space(client)
    params = {"space_id": space_id}
    extension_id = _extension(client, params)["metadata"]["asset_id"]
    base = "f47ae1c3-198e-5718-b59d-2ea471561e9e"
    body = {
        "name": "custom",
        "package_extensions": [{"guid": extension_id}],
        "base_software_specification": {"guid": base},
    }
    made = client.post(SOFTWARE, params=params, json=body)
    assert made.status_code == 201, made.text
    entity = made.json()["entity"]["software_specification"]
    assert (entity["type"], entity["base_software_specification"]) == ("derived", {"guid": base})
    assert entity["software_configuration"]["platform"] == {"name": "python", "version": "3.12"}
    assert client.post(SOFTWARE, params=params, json=body).status_code == 409
    path = f"{SOFTWARE}/{made.json()['metadata']['asset_id']}"
    assert client.delete(f"{EXTENSIONS}/{extension_id}", params=params).status_code == 409
    added = f"{path}/package_extensions/{extension_id}"
    assert client.put(added, params=params).status_code == 204
    extensions = client.get(path, params=params).json()["entity"]["software_specification"]["package_extensions"]
    assert [(entry["guid"], entry["metadata"]["asset_id"]) for entry in extensions] == [(extension_id, extension_id)]
    assert client.delete(added, params=params).status_code == 204
    assert client.delete(f"{EXTENSIONS}/{extension_id}", params=params).status_code == 204
    assert client.put(added, params=params).status_code == 400
    wire.model(client, space_id, software_spec={"name": "custom"})
    refused = client.delete(path, params=params)
    assert (refused.status_code, "a model" in wire.error(refused)["message"]) == (409, True)
    other = {"space_id": wire.space(client, "other")}
    assert client.get(path, params=other).status_code == 404
    unknown = {**body, "name": "other", "base_software_specification": {"guid": "nope"}}
    assert client.post(SOFTWARE, params=params, json=unknown).status_code == 400


def test_a_derived_specification_that_nothing_needs_is_deleted(client: TestClient) -> None:
    params = {"space_id": wire.space(client)}
    body = {"name": "custom", "base_software_specification": {"name": "runtime-24.1-py3.11"}}
    path = f"{SOFTWARE}/{client.post(SOFTWARE, params=params, json=body).json()['metadata']['asset_id']}"
    assert client.delete(path, params=params).status_code == 204
    assert client.get(path, params=params).status_code == 404


def test_predefined_hardware(client: TestClient) -> None:
    params = {"space_id": wire.space(client)}
    listed = client.get(HARDWARE, params=params).json()["resources"]
    sizes = {
        item["metadata"]["name"]: (
            item["entity"]["hardware_specification"]["nodes"]["cpu"]["units"],
            item["entity"]["hardware_specification"]["nodes"]["mem"]["size"],
        )
        for item in listed
    }
    assert sizes == {
        "XS": ("1", "4Gi"),
        "S": ("2", "8Gi"),
        "M": ("4", "16Gi"),
        "ML": ("4", "32Gi"),
        "L": ("8", "32Gi"),
        "XL": ("16", "64Gi"),
    }
    one = client.get(HARDWARE, params={**params, "name": "S"}).json()
    assert one["total_results"] == 1
    assert one["resources"][0]["metadata"]["asset_id"] == "e7ed1d6c-2e89-42d7-aed5-863b972c1d2b"


def test_custom_hardware(client: TestClient) -> None:
    params = {"space_id": wire.space(client)}
    nodes = {"cpu": {"units": "100m"}, "mem": {"size": "512Mi"}, "num_nodes": 1}
    made = client.post(HARDWARE, params=params, json={"name": "tiny", "description": "x", "nodes": nodes})
    assert made.status_code == 201, made.text
    path = f"{HARDWARE}/{made.json()['metadata']['asset_id']}"
    assert client.get(path, params=params).json()["entity"]["hardware_specification"]["nodes"] == nodes
    assert client.post(HARDWARE, params=params, json={"name": "S", "nodes": nodes}).status_code == 409
    assert client.delete(path, params=params).status_code == 204
    assert client.get(path, params=params).status_code == 404
    small = client.get(HARDWARE, params={**params, "name": "S"}).json()["resources"][0]["metadata"]["asset_id"]
    assert client.delete(f"{HARDWARE}/{small}", params=params).status_code == 409


@pytest.mark.parametrize(
    ("nodes", "field"),
    [
        (None, "nodes"),
        ({}, "nodes.cpu.units"),
        ({"cpu": {"units": "1"}}, "nodes.mem.size"),
        ({"cpu": {"units": "many"}, "mem": {"size": "1Gi"}}, "nodes.cpu.units"),
        ({"cpu": {"units": "0"}, "mem": {"size": "1Gi"}}, "nodes.cpu.units"),
        ({"cpu": {"units": "1"}, "mem": {"size": "1Xi"}}, "nodes.mem.size"),
        ({"cpu": {"units": "1"}, "mem": {"size": "1Gi"}, "num_nodes": 0}, "nodes.num_nodes"),
        ({"cpu": {"units": "1"}, "mem": {"size": "1Gi"}, "num_nodes": 1001}, "nodes.num_nodes"),
    ],
)
def test_malformed_hardware_is_refused(client: TestClient, nodes: wire.Json | None, field: str) -> None:
    answer = client.post(HARDWARE, params={"space_id": wire.space(client)}, json={"name": "t", "nodes": nodes})
    assert answer.status_code == 400
    assert wire.error(answer)["target"]["name"] == field

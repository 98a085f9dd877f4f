"""Functions through the API: code and its checks."""

from __future__ import annotations

import gzip

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire

CODE = b"def score(payload):\n    return payload\n"


def test_code_is_stored_read_and_replaced(client: TestClient) -> None:
    space_id = wire.space(client)
    function_id = wire.function(client, space_id, CODE)
    path, params = f"/ml/v4/functions/{function_id}", {"space_id": space_id}
    assert gzip.decompress(client.get(f"{path}/code", params=params).content) == CODE
    assert wire.put_code(client, space_id, function_id, b"x = 1\n").status_code == 201
    assert client.get(f"{path}/download", params=params).content == b"x = 1\n"
    twin = client.get(f"/v2/assets/{function_id}", params=params).json()
    assert twin["entity"]["wml_function"]["software_spec"]["name"] == wire.RUNTIME
    assert [attachment["name"] for attachment in twin["attachments"]] == ["code.py"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"def f():\n  return (\n", mtime=0), "line 2"),
        (b"\n\nx = = 1\n", "line 3"),
        (b"", "empty"),
        (gzip.compress(CODE, mtime=0)[:-3], "cannot be read"),
        (b"x = '\0'\n", "null bytes"),
        (wire.zipped({"f.py": CODE}), "zip"),
        (b"(" * 5_000 + b")" * 5_000, "nest"),
    ],
)
def test_code_that_cannot_run_is_refused(client: TestClient, content: bytes, said: str) -> None:
    space_id = wire.space(client)
    body = {"name": "f", "software_spec": {"name": "runtime-24.1-py3.11"}, "space_id": space_id}
    function_id = client.post("/ml/v4/functions", json=body).json()["metadata"]["id"]
    answer = wire.put_code(client, space_id, function_id, content)
    assert answer.status_code == 400, answer.text
    assert said in wire.error(answer)["message"]
    assert client.get(f"/ml/v4/functions/{function_id}/code", params={"space_id": space_id}).status_code == 404


def test_code_for_a_newer_python_is_not_held_against_this_one(client: TestClient) -> None:
    space_id = wire.space(client)
    function_id = wire.function(client, space_id)
    assert wire.put_code(client, space_id, function_id, b"type X = int\n").status_code == 201


def test_a_function_is_patched_and_frozen(client: TestClient) -> None:
    space_id = wire.space(client)
    function_id = wire.function(client, space_id, CODE)
    path, params = f"/ml/v4/functions/{function_id}", {"space_id": space_id}
    patch = [{"op": "replace", "path": "/name", "value": "new"}]
    assert client.patch(path, params=params, json=patch).json()["metadata"]["name"] == "new"
    assert client.post(f"{path}/revisions", json=params).json()["metadata"]["rev"] == "1"
    listed = client.get(f"{path}/revisions", params=params).json()["resources"]
    assert [item["metadata"]["rev"] for item in listed] == ["1"]
    bad = client.patch(path, params=params, json=[{"op": "replace", "path": "/label_column", "value": "y"}])
    assert bad.status_code == 400
    assert "/label_column" in wire.error(bad)["message"]


def test_a_model_is_no_function(client: TestClient) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    assert client.get(f"/ml/v4/functions/{model_id}", params={"space_id": space_id}).status_code == 404

"""Models through the API: documents, content and its checks, revisions, patches."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests import make_pmml
from tests.api.assets import wire
from tests.people import add_user, client_of

from gristmill.service.context import Context

MLMODEL = b"flavors:\n  sklearn:\n    pickled_model: m.pkl\n"


def test_a_model_is_stored_read_and_downloaded(client: TestClient) -> None:
    space_id = wire.space(client)
    made = wire.model(client, space_id, tags=["a"], description="d", label_column="y")
    model_id = made["metadata"]["id"]
    assert list(made) == ["entity", "metadata"]
    assert "content_import_state" not in made["entity"]
    content = wire.tar_gz({"m.joblib": wire.PICKLE})
    assert wire.put_model(client, space_id, model_id, content).status_code == 201
    read = client.get(f"/ml/v4/models/{model_id}", params={"space_id": space_id}).json()
    assert read["entity"]["content_import_state"] == "completed"
    assert read["entity"]["software_spec"]["name"] == wire.RUNTIME
    assert read["metadata"]["tags"] == ["a"]
    for path in ("download", "content"):
        assert client.get(f"/ml/v4/models/{model_id}/{path}", params={"space_id": space_id}).content == content


def test_the_twin_is_an_asset_with_the_same_id(client: TestClient) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    wire.put_model(client, space_id, model_id, wire.PICKLE)
    twin = client.get(f"/v2/assets/{model_id}", params={"space_id": space_id}).json()
    assert twin["entity"]["wml_model"]["type"] == "scikit-learn_1.3"
    assert twin["metadata"]["asset_type"] == "wml_model"
    assert twin["metadata"]["size"] == len(wire.PICKLE)
    assert client.delete(f"/v2/assets/{model_id}", params={"space_id": space_id, "purge_on_delete": "true"}).is_success
    assert client.get(f"/ml/v4/models/{model_id}", params={"space_id": space_id}).status_code == 404


def test_a_type_that_is_not_supported_is_refused_in_words_that_clients_know(client: TestClient) -> None:
    body = {"name": "m", "type": "unsupported_1.0", "software_spec": {"name": wire.RUNTIME}}
    answer = client.post("/ml/v4/models", json={**body, "space_id": wire.space(client)})
    assert answer.status_code == 400
    assert "Unsupported model type: unsupported_1.0, supported are scikit-learn" in wire.error(answer)["message"]


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"software_spec": {"id": "nope"}}, "software_spec"),
        ({"software_spec": None}, "software_spec"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"tags": "a"}, "tags"),
    ],
)
def test_a_wrong_member_is_named(client: TestClient, members: wire.Json, field: str) -> None:
    body = {"name": "m", "type": "scikit-learn_1.3", "software_spec": {"name": wire.RUNTIME}}
    answer = client.post("/ml/v4/models", json={**body, "space_id": wire.space(client), **members})
    assert answer.status_code == 400
    assert wire.error(answer)["target"]["name"] == field


def _link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def _device() -> tarfile.TarInfo:
    entry = tarfile.TarInfo("null")
    entry.type, entry.devmajor, entry.devminor = tarfile.CHRTYPE, 1, 3
    return entry


BAD_CONTENT = {
    "cut off": wire.tar_gz({"m.joblib": wire.PICKLE * 1_000})[:-20],
    "no pickle in it": wire.tar_gz({"readme.txt": b"hello"}),
    "empty archive": wire.tar_gz({}),
    "empty files": wire.tar_gz({"m.pkl": b""}),
    "empty": b"",
    "plain text": b"hello",
    "gzip of text": gzip.compress(b"hello"),
    "gzip cut off": gzip.compress(wire.PICKLE)[:-4],
    "zip of text": wire.zipped({"a.txt": b"hello"}),
    "climbs out": wire.tar_gz({"../m.pkl": wire.PICKLE}),
    "climbs out inside": wire.tar_gz({"a/../../m.pkl": wire.PICKLE}),
    "absolute": wire.tar_gz({"/tmp/m.pkl": wire.PICKLE}),
    "backslashes": wire.tar_gz({"..\\m.pkl": wire.PICKLE}),
    "zip climbs out": wire.zipped({"../m.pkl": wire.PICKLE}),
    "link out": wire.tar_of(_link("m.pkl", "/etc/passwd", tarfile.SYMTYPE)),
    "link up": wire.tar_of(_link("m.pkl", "../../x", tarfile.SYMTYPE)),
    "hard link out": wire.tar_of(_link("m.pkl", "../x", tarfile.LNKTYPE)),
    "link to nothing": wire.tar_of(_link("m.pkl", "x", tarfile.SYMTYPE)),
    "device": wire.tar_of(_device()),
    "file and directory": wire.tar_gz({"a": wire.PICKLE, "a/b": wire.PICKLE}),
}


@pytest.mark.parametrize("name", BAD_CONTENT)
def test_content_that_is_no_such_model_is_refused_and_not_kept(client: TestClient, context: Context, name: str) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    answer = wire.put_model(client, space_id, model_id, BAD_CONTENT[name])
    assert answer.status_code == 400, answer.text
    assert wire.error(answer)["message"]
    read = client.get(f"/ml/v4/models/{model_id}", params={"space_id": space_id}).json()
    assert "content_import_state" not in read["entity"]
    assert client.get(f"/ml/v4/models/{model_id}/download", params={"space_id": space_id}).status_code == 404
    assert _files(context) == []


def test_an_archive_over_a_limit_is_refused(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    zeros = wire.zipped({"m.pkl": wire.PICKLE + bytes(300 * 1024**2)})
    answer = wire.put_model(client, space_id, model_id, zeros)
    assert (answer.status_code, wire.error(answer)["code"]) == (400, "archive_too_large")
    assert _files(context) == []


def test_the_content_is_what_the_type_says(client: TestClient) -> None:
    space_id = wire.space(client)
    good = {
        "scikit-learn_1.3": [wire.PICKLE, gzip.compress(wire.PICKLE), wire.zipped({"m.pkl": wire.PICKLE})],
        "xgboost_2.0": [b'{"learner":{"attributes":{}}}', b"{L\0\0\0\0\0\0\0\x07learner{", wire.PICKLE],
        "lightgbm_4.0": [b"tree\nversion=v4\n", wire.PICKLE],
        "onnx_1.16": [b"\x08\x09\x12\x04test", wire.zipped({"model.onnx": b"\x08\x09\x12\x04test"})],
        "pmml_4.2.1": [make_pmml.tree().encode()],
        "mlflow_2.0": [wire.tar_gz({"model/MLmodel": MLMODEL, "model/m.pkl": wire.PICKLE})],
        "tensorflow_rt24.1": [wire.zipped({"exported/model.onnx": b"\x08\x09\x12\x04test"})],
        "pytorch_2.1": [b"\x08\x09\x12\x04test"],
    }
    for model_type, contents in good.items():
        model_id = wire.model(client, space_id, type=model_type)["metadata"]["id"]
        for content in contents:
            answer = wire.put_model(client, space_id, model_id, content)
            assert answer.status_code == 201, (model_type, answer.text)
            assert "system" not in answer.json()


@pytest.mark.parametrize(
    ("model_type", "content"),
    [
        ("xgboost_2.0", b'{"trees": []}'),
        ("lightgbm_4.0", b"trees"),
        ("onnx_1.16", b"not really onnx"),
        ("onnx_1.16", wire.zipped({"model.pb": b"\x08\x09\x12\x04test"})),
        ("pmml_4.2.1", b"<html/>"),
        ("pmml_4.2.1", b"<PMML>"),
        ("pmml_4.2.1", b'<!DOCTYPE x [<!ENTITY a "b">]><PMML>&a;</PMML>'),
        ("mlflow_2.0", wire.tar_gz({"model/m.pkl": wire.PICKLE})),
        ("pmml_4.2.1", b'<?xml version="1.0"?><PMML version="4.3" xmlns="http://www.dmg.org/PMML-4_3"/>'),
        ("tensorflow_rt24.1", wire.tar_gz({"notes.txt": b"x"})),
        ("pytorch_2.1", b"hello"),
    ],
)
def test_another_content_is_refused(client: TestClient, model_type: str, content: bytes) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id, type=model_type)["metadata"]["id"]
    answer = wire.put_model(client, space_id, model_id, content)
    assert answer.status_code == 400
    assert wire.error(answer)["code"] == "invalid_model_content"


def test_an_archived_onnx_file_that_looks_wrong_is_kept_with_a_warning(client: TestClient) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id, type="pytorch-onnx_2.1")["metadata"]["id"]
    answer = wire.put_model(client, space_id, model_id, wire.zipped({"model.onnx": b"not really onnx"}))
    assert answer.status_code == 201
    assert "ONNX" in answer.json()["system"]["warnings"][0]["message"]


def test_new_content_takes_the_place_of_the_old(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    wire.put_model(client, space_id, model_id, wire.tar_gz({"m.pkl": wire.PICKLE}))
    client.post(f"/ml/v4/models/{model_id}/revisions", json={"space_id": space_id})
    wire.put_model(client, space_id, model_id, wire.PICKLE)
    attachments = client.get(f"/v2/assets/{model_id}", params={"space_id": space_id}).json()["attachments"]
    assert len(attachments) == 1
    assert client.get(f"/ml/v4/models/{model_id}/download", params={"space_id": space_id}).content == wire.PICKLE
    assert len(_files(context)) == 2


def test_revisions_are_frozen(client: TestClient) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    first = wire.tar_gz({"m.pkl": wire.PICKLE})
    wire.put_model(client, space_id, model_id, first)
    path, params = f"/ml/v4/models/{model_id}", {"space_id": space_id}
    frozen = client.post(f"{path}/revisions", json=params)
    assert (frozen.status_code, frozen.json()["metadata"]["rev"]) == (201, "1")
    client.patch(path, params=params, json=[{"op": "replace", "path": "/name", "value": "new"}])
    wire.put_model(client, space_id, model_id, wire.PICKLE)
    client.post(f"{path}/revisions", json=params)
    assert client.get(path, params={**params, "rev": "1"}).json()["metadata"]["name"] == "a model"
    assert client.get(path, params=params).json()["metadata"]["name"] == "new"
    assert client.get(f"{path}/download", params={**params, "rev": "1"}).content == first
    assert client.get(path, params={**params, "rev": "3"}).status_code == 404
    assert client.get(path, params={**params, "rev": "x"}).status_code == 400
    page = client.get(f"{path}/revisions", params={**params, "limit": 1}).json()
    assert [item["metadata"]["rev"] for item in page["resources"]] == ["1"]
    page = client.get(page["next"]["href"]).json()
    assert [item["metadata"]["rev"] for item in page["resources"]] == ["2"]
    assert "next" not in page


def test_patches_change_what_may_be_changed(client: TestClient) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    wire.put_model(client, space_id, model_id, wire.PICKLE)
    operations = [
        {"op": "replace", "path": "/name", "value": "new"},
        {"op": "add", "path": "/tags", "value": ["x"]},
        {"op": "add", "path": "/tags/-", "value": "y"},
        {"op": "add", "path": "/schemas/input", "value": [{"fields": []}]},
        {"op": "replace", "path": "/software_spec/id", "value": "45f12dfe-aa78-5b8d-9f38-0ee223c47309"},
        {"op": "remove", "path": "/description"},
    ]
    answer = client.patch(f"/ml/v4/models/{model_id}", params={"space_id": space_id}, json=operations)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert changed["metadata"]["name"] == "new"
    assert changed["metadata"]["tags"] == ["x", "y"]
    assert changed["entity"]["software_spec"]["name"] == "runtime-24.1-py3.11"
    assert changed["entity"]["content_import_state"] == "completed"


@pytest.mark.parametrize("path", ["/id", "/content_import_state", "/space_id", "/nope/x", "", "/names"])
def test_a_patch_of_anything_else_is_refused_and_named(client: TestClient, path: str) -> None:
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    operations = [{"op": "replace", "path": "/name", "value": "b"}, {"op": "replace", "path": path, "value": "c"}]
    answer = client.patch(f"/ml/v4/models/{model_id}", params={"space_id": space_id}, json=operations)
    assert answer.status_code == 400
    assert (path or "/") in wire.error(answer)["message"]
    read = client.get(f"/ml/v4/models/{model_id}", params={"space_id": space_id}).json()
    assert read["metadata"]["name"] == "a model"


def test_lists_are_paged_and_light(client: TestClient) -> None:
    space_id = wire.space(client)
    names = [wire.model(client, space_id, name=f"m{number}")["metadata"]["name"] for number in range(5)]
    url, seen = f"/ml/v4/models?space_id={space_id}&limit=2&version=2026-10-14", []
    while url:
        page = client.get(url).json()
        assert page["first"]["href"].startswith("http")
        seen += [item["metadata"]["name"] for item in page["resources"]]
        url = page.get("next", {}).get("href")
    assert seen == names


def test_what_a_user_may_not_see_is_not_found(client: TestClient, context: Context) -> None:
    space_id, other_space = wire.space(client), wire.space(client, "another")
    model_id = wire.model(client, space_id)["metadata"]["id"]
    assert client.get(f"/ml/v4/models/{model_id}", params={"space_id": other_space}).status_code == 404
    assert client.get(f"/ml/v4/models/{model_id}").status_code == 400
    viewer, key = add_user(context, "viewer")
    with client_of(context, key) as other:
        assert other.get(f"/ml/v4/models/{model_id}", params={"space_id": space_id}).status_code == 404
        assert wire.put_model(other, space_id, model_id, wire.PICKLE).status_code == 404
        member = {"id": viewer.user_id, "type": "user", "role": "viewer"}
        assert client.post(f"/v2/spaces/{space_id}/members", json={"members": [member]}).is_success
        assert other.get(f"/ml/v4/models/{model_id}", params={"space_id": space_id}).status_code == 200
        assert wire.put_model(other, space_id, model_id, wire.PICKLE).status_code == 403
        patch = [{"op": "replace", "path": "/name", "value": "b"}]
        path = f"/ml/v4/models/{model_id}"
        assert other.patch(path, params={"space_id": space_id}, json=patch).status_code == 403


def test_a_zip_member_that_lies_about_its_size_is_refused(client: TestClient) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("m.pkl", wire.PICKLE)
    broken = buffer.getvalue().replace(wire.PICKLE, bytes(len(wire.PICKLE)), 1)
    space_id = wire.space(client)
    model_id = wire.model(client, space_id)["metadata"]["id"]
    answer = wire.put_model(client, space_id, model_id, broken)
    assert (answer.status_code, wire.error(answer)["code"]) == (400, "invalid_archive")


def _files(context: Context) -> list[Path]:
    staged = [path for path in (context.data_dir / "staging").rglob("*") if path.is_file()]
    kept = [path for path in (context.data_dir / "content").rglob("*") if path.is_file()]
    return staged + kept

"""What the tests of assets send again and again: spaces, archives, uploads in either form."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
from typing import Any, cast

from fastapi.testclient import TestClient

Json = dict[str, Any]
RUNTIME = "runtime-25.1-py3.12"
PICKLE = pickle.dumps({"a": 1}, protocol=4)


def space(client: TestClient, name: str = "a space") -> str:
    """Make a space and return its id."""
    made = client.post("/v2/spaces", json={"name": name})
    assert made.status_code == 202, made.text
    return cast("str", made.json()["metadata"]["id"])


def tar_gz(files: dict[str, bytes]) -> bytes:
    """Pack files as a gzip-compressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def tar_of(*entries: tarfile.TarInfo) -> bytes:
    """Pack entries without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for entry in entries:
            archive.addfile(entry)
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    """Pack files as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def model(client: TestClient, space_id: str, **members: Any) -> Json:
    """Make a model without content and return its document."""
    body = {
        "name": "a model",
        "type": "scikit-learn_1.3",
        "software_spec": {"name": RUNTIME},
        "space_id": space_id,
        **members,
    }
    made = client.post("/ml/v4/models?version=2026-10-14", json=body)
    assert made.status_code == 201, made.text
    return cast("Json", made.json())


def put_model(client: TestClient, space_id: str, model_id: str, content: bytes) -> Any:
    """Upload a model's content as the clients do: binary that calls itself JSON."""
    return client.put(
        f"/ml/v4/models/{model_id}/content",
        params={"space_id": space_id, "content_format": "native"},
        content=content,
        headers={"content-type": "application/json"},
    )


def function(client: TestClient, space_id: str, code: bytes | None = None) -> str:
    """Make a function, with code where it is given."""
    body = {"name": "a function", "software_spec": {"name": RUNTIME}, "space_id": space_id}
    made = client.post("/ml/v4/functions", json=body)
    assert made.status_code == 201, made.text
    function_id = cast("str", made.json()["metadata"]["id"])
    if code is not None:
        answer = put_code(client, space_id, function_id, gzip.compress(code))
        assert answer.status_code == 201, answer.text
    return function_id


def put_code(client: TestClient, space_id: str, function_id: str, content: bytes) -> Any:
    """Upload a function's code."""
    return client.put(f"/ml/v4/functions/{function_id}/code", params={"space_id": space_id}, content=content)


def asset(client: TestClient, space_id: str, **options: Any) -> Json:
    """Make an asset and return its document."""
    made = client.post(
        "/v2/assets",
        params={"space_id": space_id, **options.pop("params", {})},
        json={
            "metadata": {"name": "in.csv", "asset_type": "data_asset", **options.pop("metadata", {})},
            "entity": {"data_asset": {"mime_type": "text/csv"}},
            **options,
        },
    )
    assert made.status_code == 201, made.text
    return cast("Json", made.json())


def attach(client: TestClient, space_id: str, asset_id: str, content: bytes, name: str = "in.csv") -> str:
    """Give an asset an attachment: declared, uploaded as a form through the signed link, completed."""
    path = f"/v2/assets/{asset_id}/attachments"
    declared = client.post(path, params={"space_id": space_id}, json={"asset_type": "data_asset", "name": name})
    assert declared.status_code == 201, declared.text
    sent = client.put(declared.json()["url1"], files={"file": ("/etc/passwd", content, "file")})
    assert sent.status_code == 201, sent.text
    attachment_id = cast("str", declared.json()["attachment_id"])
    done = client.post(f"{path}/{attachment_id}/complete", params={"space_id": space_id})
    assert done.status_code == 200, done.text
    return attachment_id


def data_asset(client: TestClient, space_id: str, content: bytes = b"a,b\n1,2\n", name: str = "in.csv") -> str:
    """Make a data asset with content and return its id."""
    asset_id = cast("str", asset(client, space_id, metadata={"name": name})["asset_id"])
    attach(client, space_id, asset_id, content, name)
    return asset_id


def download(client: TestClient, space_id: str, asset_id: str) -> bytes:
    """Download an asset's first attachment as the clients do: asset, attachment, link."""
    found = client.get(f"/v2/assets/{asset_id}", params={"space_id": space_id}).json()["attachments"][0]
    path = f"/v2/assets/{asset_id}/attachments/{found['id']}"
    link = client.get(path, params={"space_id": space_id}).json()["url"]
    return bytes(client.get(link, headers={"Authorization": ""}).content)


def connection(client: TestClient, space_id: str, **properties: Any) -> str:
    """Make a PostgreSQL connection and return its id."""
    given = {"host": "h", "port": "5432", "username": "u", "password": "s3cret", "database": "d", **properties}
    body = {"name": "pg", "datasource_type": "postgresql", "properties": given, "origin_country": "US"}
    made = client.post("/v2/connections", params={"space_id": space_id}, json=body)
    assert made.status_code == 201, made.text
    return cast("str", made.json()["metadata"]["asset_id"])


def error(answer: Any) -> Json:
    """Return the first error of a refusal."""
    return cast("Json", answer.json()["errors"][0])

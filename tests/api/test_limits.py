from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from gristmill.api.app import create_api
from gristmill.api.limits import limit_of
from gristmill.service.context import Context, Limits

LIMITS = Limits(body_bytes=1_000, inline_bytes=5_000, upload_bytes=20_000)


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    """A client of an app with small limits, and a route that counts what reaches it."""
    app = create_api(replace(context, limits=LIMITS))

    @app.put("/signed/{name}")
    async def count(request: Request, name: str) -> dict[str, object]:
        return {"name": name, "bytes": sum([len(chunk) async for chunk in request.stream()])}

    with TestClient(app) as made:
        yield made


def _chunks(total: int) -> Iterator[bytes]:
    for _ in range(total // 100):
        yield b" " * 100


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_its_limit_is_refused_with_the_limit_and_the_setting(client: TestClient, announced: bool) -> None:
    body = b" " * 1_100 if announced else _chunks(1_100)
    answer = client.post("/icp4d-api/v1/authorize", content=body, headers={"Content-Type": "application/json"})

    error = answer.json()["errors"][0]
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert error["code"] == "body_too_large"
    assert "1000 bytes" in error["message"]
    assert "GRISTMILL_MAX_BODY_BYTES" in error["message"]


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_at_its_limit_passes(client: TestClient, announced: bool) -> None:
    body = b" " * 20_000 if announced else _chunks(20_000)
    answer = client.put("/signed/x", content=body)

    assert (answer.status_code, answer.json()["bytes"]) == (200, 20_000)


def test_an_upload_that_streams_over_its_limit_is_refused(client: TestClient) -> None:
    answer = client.put("/signed/x", content=_chunks(20_100))

    assert answer.status_code == 413
    assert "GRISTMILL_MAX_UPLOAD_BYTES" in answer.json()["errors"][0]["message"]


def test_a_length_that_is_no_number_is_counted_instead(client: TestClient) -> None:
    answer = client.put("/signed/x", content=_chunks(20_100), headers={"Content-Length": "-5"})

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("route", "limit"),
    [
        ("POST /v2/spaces", LIMITS.body_bytes),
        ("POST /ml/v4/deployment_jobs", LIMITS.inline_bytes),
        ("POST /ml/v4/deployment_job_definitions", LIMITS.inline_bytes),
        ("POST /ml/v4/deployments", LIMITS.body_bytes),
        ("PUT /ml/v4/models/1/content", LIMITS.upload_bytes),
        ("PUT /ml/v4/functions/1/code", LIMITS.upload_bytes),
        ("PUT /signed/attachments/1", LIMITS.upload_bytes),
        ("POST /v2/asset_imports", LIMITS.upload_bytes),
        ("POST /ml/v4/models/1/content", LIMITS.body_bytes),
        ("PUT /v2/software_specifications/1/package_extensions/2", LIMITS.body_bytes),
    ],
)
def test_each_kind_of_route_has_its_limit(route: str, limit: int) -> None:
    method, path = route.split(" ")

    assert limit_of(LIMITS, method, path)[1] == limit

"""How JSON answers travel: unchanged ones are not sent again, long ones are compressed, secrets and others are not."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.testclient import TestClient
from starlette.responses import Response

from gristmill.api.app import create_api
from gristmill.api.envelope import WireResponse
from gristmill.service.context import Context

LONG = {"rows": ["a row like the others"] * 10_000}
ANSWERS: dict[str, Response] = {
    "short": WireResponse({"a": 1}),
    "long": WireResponse(LONG),
    "secret": WireResponse(LONG, headers={"Cache-Control": "no-store"}),
    "text": PlainTextResponse("x" * 5_000),
    "refused": JSONResponse(LONG, status_code=409),
}


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    """A client of an app with answers of every kind."""
    app = create_api(context)

    @app.get("/answers/{name}")
    def answer(name: str) -> Response:
        return ANSWERS[name]

    @app.get("/pieces")
    def pieces() -> Response:
        return StreamingResponse((f'"{"x" * 5_000}"\n' for _ in range(3)), media_type="application/json")

    with TestClient(app) as made:
        yield made


def _raw(client: TestClient, path: str, **headers: str) -> tuple[int, bytes, Any]:
    with client.stream("GET", path, headers={"Accept-Encoding": "identity", **headers}) as answer:
        return answer.status_code, b"".join(answer.iter_raw()), answer.headers


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("name", ["short", "long"])
def test_what_has_not_changed_is_not_sent_again(client: TestClient, name: str, encoding: str) -> None:
    accepted = {"Accept-Encoding": encoding}
    _, _, headers = _raw(client, f"/answers/{name}", **accepted)
    assert headers["cache-control"] == "private, no-cache"
    status, body, again = _raw(client, f"/answers/{name}", **accepted, **{"If-None-Match": headers["etag"]})
    assert (status, body, again["etag"]) == (304, b"", headers["etag"])
    assert "content-length" not in again
    assert "content-security-policy" in again
    status, body, _ = _raw(client, f"/answers/{name}", **{"If-None-Match": 'W/"another"'})
    assert (status, body) == (200, ANSWERS[name].body)


def test_a_long_answer_is_compressed_for_whoever_takes_that(client: TestClient) -> None:
    status, body, headers = _raw(client, "/answers/long", **{"Accept-Encoding": "gzip, deflate"})
    assert (status, headers["content-encoding"], int(headers["content-length"])) == (200, "gzip", len(body))
    assert len(body) < len(ANSWERS["long"].body) / 20
    assert gzip.decompress(body) == ANSWERS["long"].body
    assert "Accept-Encoding" in headers["vary"]
    _, plain, headers = _raw(client, "/answers/long")
    assert plain == ANSWERS["long"].body
    assert "content-encoding" not in headers
    assert "Accept-Encoding" in headers["vary"]


@pytest.mark.parametrize("path", ["/answers/secret", "/answers/text", "/answers/refused", "/pieces"])
def test_secrets_streams_and_refusals_pass_as_they_are(client: TestClient, path: str) -> None:
    _, body, headers = _raw(client, path, **{"Accept-Encoding": "gzip"})
    assert len(body) >= 5_000
    assert "etag" not in headers
    assert "content-encoding" not in headers


def test_json_keeps_a_key_a_line_and_takes_what_people_store() -> None:
    assert _text({"id": "a", "of": {"b": [1]}}).splitlines()[1] == '  "id": "a",'
    assert _text({"n": float("nan")}) == '{\n  "n": null\n}'
    assert _text({"n": 2**70, 1: "ü"}) == '{\n  "n": 1180591620717411303424,\n  "1": "\\u00fc"\n}'
    assert _text({"half": "\ud800"}) == '{\n  "half": "\\ud800"\n}'


def _text(document: object) -> str:
    return bytes(WireResponse(document).body).decode()

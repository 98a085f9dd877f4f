"""How the console's files are served: what is cached, what is packed, what is a page, and what is not."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gristmill.api import console
from gristmill.api.app import create_api
from gristmill.service.context import Context

POLICY = "content-security-policy"
SCRIPT = b"console.log('hello')\n" * 100


@pytest.fixture
def built(tmp_path: Path) -> Path:
    directory = tmp_path / "static"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text("<!doctype html><title>Gristmill</title>")
    (directory / "assets/main-1a2b.js").write_bytes(SCRIPT)
    (directory / "assets/main-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "secret.txt").write_text("secret")
    return directory


@pytest.fixture
def browser(built: Path) -> Iterator[TestClient]:
    app = FastAPI()
    console.install(app, built)
    with TestClient(app) as made:
        yield made


@pytest.mark.parametrize("path", ["/", "/console", "/console/", "/console/spaces/1/jobs?state=failed"])
def test_every_page_of_the_console_is_the_same_file(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert "<title>Gristmill</title>" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


def test_assets_are_packed_and_kept_for_ever(browser: TestClient) -> None:
    answer = browser.get("/console/assets/main-1a2b.js")
    assert answer.content == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    plain = browser.get("/console/assets/main-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == SCRIPT
    assert "content-encoding" not in plain.headers
    again = browser.get("/console/assets/main-1a2b.js", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/console/assets/gone-1a2b.js", "/console/icon.svg", "/console/%2e%2e/secret.txt"])
def test_a_file_that_is_not_there_is_no_page(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_the_api_answers_for_itself(context: Context) -> None:
    with TestClient(create_api(context)) as client:
        answer = client.get("/v2/no_such_thing")
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["code"] == "no_such_route"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/console/", "/v1/session", "/v2/spaces", "/nothing"])
def test_every_answer_tells_browsers_what_it_may_not_do(context: Context, built: Path, path: str) -> None:
    app = create_api(context)
    # The console's own files, wherever they are.
    app.router.routes[:] = [each for each in app.router.routes if getattr(each, "name", "") != "console"]
    console.install(app, built)
    with TestClient(app) as client:
        told = client.get(path).headers
    policy = {name: rest for name, _, rest in (part.strip().partition(" ") for part in told[POLICY].split(";"))}
    assert policy["default-src"] == ("'self'" if path == "/console/" else "'none'")
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in told[POLICY]
    assert "*" not in told[POLICY]
    assert (told["x-frame-options"], told["x-content-type-options"]) == ("DENY", "nosniff")
    assert told["cross-origin-opener-policy"] == told["cross-origin-resource-policy"] == "same-origin"
    assert told["referrer-policy"] == "no-referrer"
    assert "server" not in told


def test_without_a_build_it_says_how_to_make_one(tmp_path: Path) -> None:
    app = FastAPI()
    console.install(app, tmp_path)
    with TestClient(app) as client:
        answer = client.get("/console/")
    assert answer.status_code == 503
    assert "make console" in answer.text

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.unit.cli.scripted_server import PROFILE, ScriptedServer, refusal

from gristmill.cli.client import Client
from gristmill.cli.failures import CommandFailed, Refused, Unreachable
from gristmill.cli.profile import Profile


def test_a_token_that_has_expired_is_renewed() -> None:
    server = ScriptedServer([httpx.Response(200, json={}), refusal(401, "expired"), httpx.Response(200, json={"a": 1})])
    with server.client() as client:
        client.get("/first")
        assert client.get("/second") == {"a": 1}

    assert server.tokens == 2
    assert [request.headers["Authorization"] for request in server.asked] == [
        "Bearer token 1",
        "Bearer token 1",
        "Bearer token 2",
    ]


def test_a_user_who_is_out_for_good_is_told_so() -> None:
    server = ScriptedServer([refusal(401, "You are out."), refusal(401, "You are out.")])
    with server.client() as client, pytest.raises(Refused, match=r"^You are out\.$") as refused:
        client.get("/any")
    assert (refused.value.status, refused.value.code, refused.value.exit_code) == (401, "a_code", 1)


def test_the_page_of_a_proxy_is_told_by_its_status() -> None:
    server = ScriptedServer([httpx.Response(502, text="<html>Bad Gateway</html>")])
    with server.client() as client, pytest.raises(Refused, match=r"GET /any was answered 502 Bad Gateway\."):
        client.get("/any")


def test_what_is_no_gristmill_is_asked_about() -> None:
    with (
        ScriptedServer([httpx.Response(200, text="<html>")]).client() as client,
        pytest.raises(CommandFailed, match="a Gristmill server"),
    ):
        client.get("/any")


def test_a_broken_connection_repeats_only_what_may_be_repeated() -> None:
    broken = httpx.ReadError("gone")
    server = ScriptedServer([broken, httpx.Response(202, json={"id": 1}), broken])
    with server.client() as client:
        sent = client.call("POST", "/jobs", params={}, json={"a": 1}, headers={"Idempotency-Key": "k"})
        with pytest.raises(Unreachable, match=r"gristmill.test does not answer: gone\. Is"):
            client.post("/jobs", {"a": 1})

    assert sent == {"id": 1}
    assert [request.headers.get("Idempotency-Key") for request in server.asked] == ["k", "k", None]
    assert server.asked[0].content == server.asked[1].content


def test_parameters_that_are_none_are_left_out_and_a_link_keeps_its_own() -> None:
    server = ScriptedServer([httpx.Response(200, json={}), httpx.Response(200, content=b"bytes")])
    with server.client() as client:
        client.get("/list", start=None, limit=2, purge=True)
        assert b"".join(client.stream("/signed/asset?signature=a%2Fb")) == b"bytes"
    assert [str(request.url.query, "ascii") for request in server.asked] == ["limit=2&purge=true", "signature=a%2Fb"]


def test_nobody_at_the_address_is_one_line() -> None:
    with (
        Client(Profile(url="http://127.0.0.1:1", api_key="k")) as client,
        pytest.raises(Unreachable, match=r"http://127.0.0.1:1 does not answer: .*refused.*Is the server running"),
    ):
        client.get("/any")


def test_a_ca_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(CommandFailed, match=f"{name} cannot be read"):
            Client(Profile(url=PROFILE.url, api_key="k", ca=str(tmp_path / name)))

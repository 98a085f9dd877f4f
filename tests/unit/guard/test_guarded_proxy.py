"""The proxy for libraries that open their own connections: it goes where the guard permits, and serves its owner."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest
from tests.conformance.sinks import HttpSink, http_sink
from tests.make import eventually
from tests.ports import free_port

from gristmill.guard.address_guard import AddressGuard, AddressRefused
from gristmill.guard.guarded_proxy import GuardedProxy


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with http_sink() as running:
        yield running


def post(proxy: str, port: int) -> httpx.Response:
    with httpx.Client(proxy=proxy, trust_env=False) as client:
        return client.post(f"http://127.0.0.1:{port}/some/path?with=query", content=b"a body")


def test_a_request_is_passed_on_as_it_came(sink: HttpSink) -> None:
    with GuardedProxy(AddressGuard(["127.0.0.1"])) as proxy:
        assert post(proxy.url, sink.port).text == "thanks"
    [request] = sink.requests
    assert (request.path, request.body) == ("/some/path?with=query", b"a body")
    assert not [name for name in request.headers if name.lower().startswith("proxy-")]


def test_an_address_that_is_not_permitted_is_not_connected_to(sink: HttpSink) -> None:
    with GuardedProxy(AddressGuard()) as proxy:
        assert post(proxy.url, sink.port).status_code == httpx.codes.BAD_GATEWAY
        assert isinstance(proxy.trouble, AddressRefused)
    assert sink.requests == []


def test_a_tunnel_goes_under_the_same_guard(sink: HttpSink) -> None:
    with (
        GuardedProxy(AddressGuard()) as proxy,
        httpx.Client(proxy=proxy.url, trust_env=False) as client,
        pytest.raises(httpx.ProxyError),
    ):
        client.get(f"https://127.0.0.1:{sink.port}/")
    assert isinstance(proxy.trouble, AddressRefused)


def test_nobody_else_may_use_it(sink: HttpSink) -> None:
    with GuardedProxy(AddressGuard(["*"])) as proxy:
        stranger = proxy.url.replace("gristmill:", "gristmill:x")
        assert post(stranger, sink.port).status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED
    assert sink.requests == []


def test_it_says_why_there_was_no_connection() -> None:
    with GuardedProxy(AddressGuard(["127.0.0.1"])) as proxy:
        port = free_port()
        post(proxy.url, port)
        assert str(proxy.trouble).startswith(f"127.0.0.1:{port} cannot be connected to")


def test_its_connections_end_with_it() -> None:
    with GuardedProxy(AddressGuard(["127.0.0.1"])) as proxy:
        port = int(proxy.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            eventually(lambda: proxy.serves, within=5)
            proxy.close()
            client.settimeout(5)
            assert client.recv(1) == b""

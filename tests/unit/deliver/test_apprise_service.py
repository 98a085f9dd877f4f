"""What is special to Apprise: which services are refused, and that none connects to where it must not."""

from __future__ import annotations

import inspect
import re
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.conformance.sinks import HttpSink, http_sink
from tests.conformance.test_deliver import MESSAGE

from gristmill.deliver.apprise_library import LOCAL_SCHEMAS, ServiceRefused
from gristmill.deliver.apprise_service import AppriseService
from gristmill.deliver.channel import DeliveryFailed
from gristmill.deliver.guarded_sockets import ConnectionRefused, only_permitted
from gristmill.guard.address_guard import AddressGuard, AddressRefused

SECRET = "abcdefghijklmnopqrstuvwxyz0123456789"
DISCORD = f"discord://123456789012345678/{SECRET}{SECRET}"
OUTSIDE = AddressGuard(resolve=lambda _host, _port: ["93.184.216.34"])
INSIDE = AddressGuard(["127.0.0.0/8", "::1"])


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with http_sink() as opened:
        yield opened


def failure(channel: AppriseService) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        channel.send(MESSAGE)
    return caught.value


@pytest.mark.parametrize("url", [DISCORD, f"json://hooks.example.org/{SECRET}", "mailto://ada:secret@example.org"])
def test_a_service_outside_is_taken(url: str) -> None:
    AppriseService(url, OUTSIDE)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"slak://{SECRET}", "no service that Apprise knows"),
        (f"https://example.org/{SECRET}", "no service that Apprise knows"),
        (SECRET, "begins with the name of a service"),
        ("", "begins with the name of a service"),
        (f"slack://{SECRET}", "it looks like slack://"),
        ("json://", "it looks like json://"),
        (f"mqtt://h/{SECRET}", "a package"),
        (f"{DISCORD}?template=/etc/passwd", "names no file"),
        (f"{DISCORD}?template=file:///etc/passwd", "names no file"),
        *((f"{schema}://{SECRET}", "the machine that the server runs on") for schema in sorted(LOCAL_SCHEMAS)),
        ("SYSLOG://", "the machine that the server runs on"),
    ],
)
def test_what_cannot_be_used_is_refused_without_being_told(url: str, says: str) -> None:
    with pytest.raises(ServiceRefused) as caught:
        AppriseService(url, OUTSIDE, field="settings.url")
    assert says in caught.value.message
    assert caught.value.field == "settings.url"
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/",
        "jsons://10.0.0.1/",
        "gotify://192.168.1.1/" + "t" * 20,
        "mailto://ada:secret@93.184.216.34?smtp=127.0.0.1",
        "ntfy://169.254.169.254/topic",
        "xml://[::1]/",
    ],
)
def test_a_host_inside_is_refused_at_once(url: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        AppriseService(url, OUTSIDE)
    assert "GRISTMILL_ALLOWED_NETWORKS" in caught.value.message


def test_a_name_that_turns_inside_after_the_checks_gets_nothing(sink: HttpSink) -> None:
    # The guard is told of a public address; the library asks the system, which knows better.
    failed = failure(AppriseService(f"json://localhost:{sink.port}/", OUTSIDE))
    assert failed.permanent
    assert "inside the house" in str(failed)
    assert sink.requests == []


def test_a_name_that_turns_inside_is_refused_just_before_sending(sink: HttpSink) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    service = AppriseService(f"json://localhost:{sink.port}/", AddressGuard(resolve=lambda _host, _port: next(answers)))
    assert failure(service).permanent
    assert sink.requests == []


def test_a_name_that_an_administrator_permits_is_connected_to(sink: HttpSink) -> None:
    AppriseService(f"json://localhost:{sink.port}/", AddressGuard(["localhost"])).send(MESSAGE)
    assert len(sink.requests) == 1


@pytest.mark.parametrize("option", ["", "?redirect=yes"])
def test_redirects_are_not_followed(sink: HttpSink, option: str) -> None:
    with http_sink() as inner:
        sink.status, sink.headers = 302, {"Location": f"http://127.0.0.1:{inner.port}/"}
        assert failure(AppriseService(f"json://127.0.0.1:{sink.port}/{option}", INSIDE)).permanent
        assert inner.requests == []


def test_the_url_cannot_turn_a_failure_into_a_delivery(sink: HttpSink) -> None:
    sink.status = 503
    assert not failure(AppriseService(f"json://127.0.0.1:{sink.port}/?optional=yes&retry=5", INSIDE)).permanent
    assert len(sink.requests) == 1


def test_a_message_without_a_text_is_told_by_its_title(sink: HttpSink) -> None:
    AppriseService(f"json://127.0.0.1:{sink.port}/", INSIDE).send(replace(MESSAGE, text="", kind="test"))
    assert MESSAGE.title.encode("unicode_escape")[:20] in sink.requests[0].body


def test_every_service_of_this_machine_is_refused() -> None:
    # Fails when a new version of Apprise comes with another service that does not go over the network.
    AppriseService(DISCORD, OUTSIDE)
    from apprise.manager_plugins import NotificationManager

    local = re.compile(r"^\s*(?:import|from) (?:subprocess|syslog|ctypes|dbus|gi|win32\w+|blink1)\b", re.MULTILINE)
    manager: type = NotificationManager
    plugins = {plugin for plugin in manager().plugins() if local.search(source_of(plugin))}
    schemas = {schema for schema in manager().schemas() if manager()[schema] in plugins}
    assert plugins
    assert schemas <= LOCAL_SCHEMAS


def source_of(plugin: type) -> str:
    return inspect.getsource(sys.modules[plugin.__module__])


def test_connections_are_held_back_only_while_a_service_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with only_permitted(AddressGuard()) as watch, pytest.raises(ConnectionRefused):
            socket.create_connection(address, timeout=2)
        assert watch.refused == ["127.0.0.1"]
        socket.create_connection(address, timeout=2).close()


def test_connections_of_other_threads_go_on() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        ThreadPoolExecutor(1) as other,
        only_permitted(AddressGuard()),
    ):
        other.submit(socket.create_connection, server.getsockname(), 2).result().close()


def test_sockets_of_this_machine_and_datagrams_are_held_back() -> None:
    with only_permitted(AddressGuard(["*"])), socket.socket(socket.AF_UNIX) as local, pytest.raises(ConnectionRefused):
        local.connect("/dev/log")
    with (
        only_permitted(AddressGuard()),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        pytest.raises(ConnectionRefused),
    ):
        datagrams.sendto(b"x", ("127.0.0.1", 514))

"""What is special to webhooks: the signature, what an answer means, and where the connection really goes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.conformance.sinks import HttpSink, http_sink, trust
from tests.conformance.test_deliver import MESSAGE

from gristmill.deliver.channel import DeliveryFailed
from gristmill.deliver.webhook import SecretRefused, Webhook, new_secret, signature, signing_key
from gristmill.guard.address_guard import AddressGuard

INSIDE = ["127.0.0.0/8", "::1"]
AT = 1_795_473_293
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with http_sink() as opened:
        yield opened


def webhook(
    sink: HttpSink, *, host: str = "127.0.0.1", guard: AddressGuard | None = None, seconds: float = 5
) -> Webhook:
    url = f"http://{host}:{sink.port}/hook"
    return Webhook(url, SECRET, guard or AddressGuard(INSIDE), total_seconds=seconds, clock=lambda: AT + 0.9)


def failure(channel: Webhook) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        channel.send(MESSAGE)
    return caught.value


def test_a_message_is_signed_as_the_specification_says(sink: HttpSink) -> None:
    webhook(sink).send(MESSAGE)
    [request] = sink.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    # Computed apart, as a receiver would.
    key = base64.b64decode(SECRET.split("_", 1)[1])
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(AT)
    assert headers["webhook-id"] == headers["x-gristmill-event-id"] == MESSAGE.event_id
    assert headers["content-type"] == "application/json"
    assert headers["host"] == f"127.0.0.1:{sink.port}"


def test_the_signature_is_the_one_that_other_libraries_make() -> None:
    # The example that the reference libraries are tested with.
    made = signature(signing_key(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_body_tells_the_event(sink: HttpSink) -> None:
    webhook(sink).send(MESSAGE)
    assert json.loads(sink.requests[0].body) == {
        "event_id": MESSAGE.event_id,
        "kind": "failed",
        "at": "2026-11-23T22:15:00Z",
        "title": MESSAGE.title,
        "text": MESSAGE.text,
        "data": {"job_id": "j-1", "rows": 1000},
    }


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_says_that_it_was_taken(sink: HttpSink, status: int) -> None:
    sink.status, sink.body = status, b""
    webhook(sink).send(MESSAGE)
    assert len(sink.requests) == 1


@pytest.mark.parametrize(("status", "permanent"), [(429, False), (503, False), (404, True), (410, True)])
def test_a_wait_that_is_asked_for_counts_where_another_attempt_does(
    sink: HttpSink, status: int, permanent: bool
) -> None:
    sink.status, sink.headers = status, {"Retry-After": "77"}
    failed = failure(webhook(sink))
    assert failed.permanent is permanent
    assert failed.retry_after_seconds == (None if permanent else 77)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(sink: HttpSink, status: int) -> None:
    with http_sink() as inner:
        sink.status, sink.headers = status, {"Location": f"http://127.0.0.1:{inner.port}/"}
        failed = failure(webhook(sink))
        assert failed.permanent
        assert "redirects are not followed" in str(failed)
        assert inner.requests == []


def test_a_huge_answer_is_not_read(sink: HttpSink) -> None:
    sink.status, sink.body = 500, b"x" * 50_000_000
    begun = time.monotonic()
    assert len(str(failure(webhook(sink)))) < 400
    assert time.monotonic() - begun < 2


def test_a_receiver_that_drips_is_left_in_time(sink: HttpSink) -> None:
    sink.drip = True
    begun = time.monotonic()
    assert not failure(webhook(sink, seconds=0.5)).permanent
    assert time.monotonic() - begun < 2


def test_a_name_that_turns_inside_after_the_check_gets_nothing(sink: HttpSink) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    guard = AddressGuard(resolve=lambda _host, _port: next(answers))
    guard.check_url(f"http://rebind.example.org:{sink.port}/")
    failed = failure(webhook(sink, host="rebind.example.org", guard=guard))
    assert failed.permanent
    assert sink.requests == []


def test_a_name_is_resolved_once_for_the_check_and_the_connection(sink: HttpSink) -> None:
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    guard = AddressGuard(INSIDE, resolve=resolve)
    webhook(sink, host="hooks.example.org", guard=guard).send(MESSAGE)
    assert asked == ["hooks.example.org"]
    assert sink.requests[0].headers["Host"] == f"hooks.example.org:{sink.port}"


def test_the_next_address_is_tried_where_one_does_not_answer(sink: HttpSink) -> None:
    guard = AddressGuard(INSIDE, resolve=lambda _host, _port: ["::1", "127.0.0.1"])
    webhook(sink, host="hooks.example.org", guard=guard).send(MESSAGE)
    assert len(sink.requests) == 1


def test_an_address_inside_is_refused_when_sending_too(sink: HttpSink) -> None:
    for host in ("127.0.0.1", "localhost", "2130706433", "127.1"):
        failed = failure(webhook(sink, host=host, guard=AddressGuard()))
        assert failed.permanent
        assert "GRISTMILL_ALLOWED_NETWORKS" in str(failed)
    assert sink.requests == []


def test_the_proxy_of_the_environment_is_not_asked(sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        webhook(sink).send(MESSAGE)
        assert proxy.requests == []


def test_tls_asks_for_the_name_of_the_url(tmp_path: Path) -> None:
    made = trust(tmp_path, "hooks.example.org")
    guard = AddressGuard(INSIDE, resolve=lambda _host, _port: ["127.0.0.1"])
    with http_sink(context=made.server) as sink:
        Webhook(f"https://hooks.example.org:{sink.port}/", SECRET, guard, tls=made.client).send(MESSAGE)
        assert len(sink.requests) == 1
        failed = failure(Webhook(f"https://other.example.org:{sink.port}/", SECRET, guard, tls=made.client))
        assert not failed.permanent
        assert "certificate" in str(failed)
        untrusted = failure(Webhook(f"https://hooks.example.org:{sink.port}/", SECRET, guard))
        assert "certificate" in str(untrusted)
        assert len(sink.requests) == 1


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64!", "whsec_" + "A" * 128],
)
def test_a_secret_of_another_form_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(SecretRefused) as caught:
        Webhook("https://hooks.example.org/", secret, AddressGuard())
    assert caught.value.field == "secret"
    assert not secret.removeprefix("whsec_") or secret not in caught.value.message


def test_new_secrets_differ_and_serve(sink: HttpSink) -> None:
    one, other = new_secret(), new_secret()
    assert one != other
    Webhook(f"http://127.0.0.1:{sink.port}/", one, AddressGuard(INSIDE)).send(replace(MESSAGE, at=datetime.now(UTC)))

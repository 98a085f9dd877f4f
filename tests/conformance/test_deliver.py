"""What every way out of the house promises, against real receivers: e-mail, webhook, and a service of Apprise."""

from __future__ import annotations

import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.conformance.sinks import PASSWORD, USER, http_sink, mail_sink, trust
from tests.ports import free_port

from gristmill.deliver.apprise_service import AppriseService
from gristmill.deliver.channel import Channel, DeliveryFailed, Message
from gristmill.deliver.email import Mail
from gristmill.deliver.webhook import Webhook, new_secret
from gristmill.guard.address_guard import AddressGuard

MESSAGE = Message(
    event_id="7d5f1c9e-2a3b-5c4d-8e6f-0a1b2c3d4e5f",
    kind="failed",
    title="Nightly scoring failed — naïve 患者",
    text="The run ended: exit code 3.\nRows: 1 000 µ\n" + "long line " * 200,
    html=None,
    document={"job_id": "j-1", "rows": 1000},
    at=datetime(2026, 11, 23, 22, 15, tzinfo=UTC),
)
INSIDE = AddressGuard(["127.0.0.0/8"])
TOKEN = "t0ken-of-the-url"


class Way(ABC):
    """A channel with its receiver."""

    secrets: tuple[str, ...]

    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self.stack = stack
        self.directory = directory

    @abstractmethod
    def channel(self, *, port: int | None = None, seconds: float = 10) -> Channel: ...

    @abstractmethod
    def told(self) -> list[tuple[str, str]]:
        """Title and text of everything that arrived."""

    @abstractmethod
    def refuse(self, *, permanent: bool, saying: str = "no") -> None: ...

    @abstractmethod
    def hang(self) -> None: ...

    @abstractmethod
    def accept(self) -> None: ...


class EmailWay(Way):
    def __init__(self, stack: ExitStack, directory: Path) -> None:
        super().__init__(stack, directory)
        self.trust = trust(directory)
        self.sink = stack.enter_context(mail_sink(context=self.trust.server, auth=True))
        self.secrets = (PASSWORD,)

    def channel(self, *, port: int | None = None, seconds: float = 10) -> Channel:
        url = f"smtp://{USER}:{PASSWORD}@127.0.0.1:{port or self.sink.port}"
        mail = Mail(url, "Gristmill <gristmill@example.org>", timeout_seconds=seconds, tls=self.trust.client)
        return mail.to("ada@example.org")

    def told(self) -> list[tuple[str, str]]:
        return [(mail["Subject"], mail.get_content()) for mail in self.sink.mails]

    def refuse(self, *, permanent: bool, saying: str = "no") -> None:
        self.sink.replies["DATA"] = f"{554 if permanent else 451} {saying}"

    def hang(self) -> None:
        self.silent = self.stack.enter_context(http_sink())
        self.silent.go.clear()

    def accept(self) -> None:
        self.sink.replies.clear()


class HttpWay(Way):
    def __init__(self, stack: ExitStack, directory: Path) -> None:
        super().__init__(stack, directory)
        self.sink = stack.enter_context(http_sink())

    def refuse(self, *, permanent: bool, saying: str = "no") -> None:
        self.sink.status, self.sink.body = 403 if permanent else 503, saying.encode()

    def hang(self) -> None:
        self.sink.go.clear()

    def accept(self) -> None:
        self.sink.status = 200
        self.sink.go.set()


class WebhookWay(HttpWay):
    def __init__(self, stack: ExitStack, directory: Path) -> None:
        super().__init__(stack, directory)
        self.secret = new_secret()
        self.secrets = (self.secret.removeprefix("whsec_"), TOKEN)

    def channel(self, *, port: int | None = None, seconds: float = 10) -> Channel:
        url = f"http://127.0.0.1:{port or self.sink.port}/hooks/{TOKEN}"
        return Webhook(url, self.secret, INSIDE, total_seconds=seconds)

    def told(self) -> list[tuple[str, str]]:
        bodies = [json.loads(request.body) for request in self.sink.requests]
        return [(body["title"], body["text"]) for body in bodies]


class AppriseWay(HttpWay):
    secrets = (PASSWORD, TOKEN)

    def channel(self, *, port: int | None = None, seconds: float = 10) -> Channel:
        url = f"json://{USER}:{PASSWORD}@127.0.0.1:{port or self.sink.port}/hooks/{TOKEN}"
        return AppriseService(url, INSIDE, total_seconds=seconds)

    def told(self) -> list[tuple[str, str]]:
        bodies = [json.loads(request.body) for request in self.sink.requests]
        return [(body["title"], body["message"]) for body in bodies]


@pytest.fixture(params=[EmailWay, WebhookWay, AppriseWay], ids=["email", "webhook", "apprise"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    with ExitStack() as stack:
        yield request.param(stack, tmp_path)


def failure(channel: Channel, message: Message = MESSAGE) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        channel.send(message)
    return caught.value


def test_a_message_arrives_once_and_whole(way: Way) -> None:
    way.channel().send(MESSAGE)
    [(title, text)] = way.told()
    assert title == MESSAGE.title
    assert text.split() == MESSAGE.text.split()


def test_a_refusal_that_may_pass_is_temporary_and_the_next_attempt_gets_through(way: Way) -> None:
    channel = way.channel()
    way.refuse(permanent=False)
    assert not failure(channel).permanent
    before = len(way.told())
    way.accept()
    channel.send(MESSAGE)
    assert len(way.told()) == before + 1


def test_a_refusal_for_good_is_permanent(way: Way) -> None:
    way.refuse(permanent=True)
    failed = failure(way.channel())
    assert failed.permanent
    assert failed.retry_after_seconds is None


def test_a_receiver_that_is_not_there_is_temporary(way: Way) -> None:
    assert not failure(way.channel(port=free_port())).permanent


def test_a_receiver_that_does_not_answer_is_left_in_time(way: Way) -> None:
    way.hang()
    port = way.silent.port if isinstance(way, EmailWay) else None
    channel = way.channel(port=port, seconds=0.4)
    begun = time.monotonic()
    failed = failure(channel)
    assert time.monotonic() - begun < 5
    assert not failed.permanent


@pytest.mark.parametrize("permanent", [True, False])
def test_no_secret_is_told_even_when_the_receiver_repeats_it(
    way: Way, caplog: pytest.LogCaptureFixture, permanent: bool
) -> None:
    caplog.set_level(logging.INFO)
    way.refuse(permanent=permanent, saying=" and ".join(way.secrets))
    failures = [failure(way.channel()), failure(way.channel(port=free_port()))]
    told = " ".join([*map(str, failures), *map(repr, failures), caplog.text])
    assert [secret for secret in way.secrets if secret in told] == []


def test_a_reason_is_one_short_line(way: Way) -> None:
    way.refuse(permanent=True, saying="x" * 450)
    told = str(failure(way.channel()))
    assert told.isprintable()
    assert len(told) <= 300


def test_a_title_forges_nothing(way: Way) -> None:
    way.channel().send(replace(MESSAGE, title="Done\r\nBcc: eve@example.org\r\n\r\nhello\0"))
    [(title, _)] = way.told()
    assert "Bcc: eve@example.org" in title if not isinstance(way, WebhookWay) else True
    if isinstance(way, EmailWay):
        assert way.sink.mails[0]["Bcc"] is None
        assert way.sink.recipients == [["ada@example.org"]]


def test_one_channel_serves_several_threads(way: Way) -> None:
    channel = way.channel()
    messages = [replace(MESSAGE, title=f"Message {number}") for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(channel.send, messages))
    assert sorted(title for title, _ in way.told()) == sorted(message.title for message in messages)

"""Webhooks, signed as the Standard Webhooks specification (standardwebhooks.com, version 1.0.0) says."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import json
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpcore
import httpx

from gristmill.deliver.channel import DeliveryFailed, Message
from gristmill.deliver.http_status import is_permanent, retry_after_seconds
from gristmill.deliver.reason import reason, url_secrets
from gristmill.domain.errors import Invalid
from gristmill.guard.address_guard import AddressGuard, AddressRefused, parse
from gristmill.guard.guarded_network import GuardedNetwork

SECRET_PREFIX = "whsec_"  # noqa: S105 - how the specification marks a secret, not one
_SECRET_BYTES = range(24, 65)
_CONNECT_SECONDS = 10.0
_MOST_BODY_BYTES = 4096
_Headers = list[tuple[bytes, bytes]]


class SecretRefused(Invalid):
    """The signing secret is not of the form that the specification asks for."""

    code = "secret_refused"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[bytes, bytes]
    excerpt: str


class Webhook:
    """Implements ``Channel`` with a signed POST. Redirects are not followed, proxies of the environment not used.

    An attempt takes at most ``total_seconds``. ``tls`` is for receivers whose certificate is by an authority of one's
    own; by default the usual ones are trusted, or those of SSL_CERT_FILE.

    Raises:
        SecretRefused: the secret is not ``whsec_`` and the base64 of 24 to 64 bytes.

    """

    def __init__(
        self,
        url: str,
        secret: str,
        guard: AddressGuard,
        *,
        total_seconds: float = 25.0,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._secret = secret
        self._key = signing_key(secret)
        self._guard = guard
        self._total_seconds = total_seconds
        self._tls = tls
        self._clock = clock

    def send(self, message: Message) -> None:
        """Post the message; any 2xx answer says that it was taken.

        Raises:
            DeliveryFailed: temporary for 408, 425, 429, 5xx and trouble on the way; permanent for other answers and
                for an address that the guard refuses.

        """
        moment = int(self._clock())
        try:
            url = parse(self._url)
            answer = self._post(url, message, moment)
        except AddressRefused as error:
            raise DeliveryFailed(self._reason(error.message), permanent=True) from None
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            story = f"{_host(url)} cannot be reached: {_trouble(error)}"
            raise DeliveryFailed(self._reason(story), permanent=False) from error
        if not 200 <= answer.status < 300:
            raise self._refused(url, answer, datetime.fromtimestamp(moment, UTC))

    def _post(self, url: httpx.URL, message: Message, moment: int) -> _Answer:
        body = _body(message)
        network = GuardedNetwork(self._guard, total_seconds=self._total_seconds)
        context = self._tls or _usual_trust()
        seconds = {"connect": _CONNECT_SECONDS, "read": self._total_seconds, "write": self._total_seconds}
        with (
            httpcore.ConnectionPool(ssl_context=context, network_backend=network) as pool,
            pool.stream(
                "POST",
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=_headers(message, moment, signature(self._key, message.event_id, moment, body)),
                content=body,
                extensions={"timeout": {**seconds, "pool": _CONNECT_SECONDS}},
            ) as response,
        ):
            headers = {name.lower(): value for name, value in response.headers}
            return _Answer(response.status, headers, _excerpt(response))

    def _refused(self, url: httpx.URL, answer: _Answer, now: datetime) -> DeliveryFailed:
        story = f"{_host(url)} answered {answer.status}"
        if 300 <= answer.status < 400:
            story += ": redirects are not followed; give the URL that they lead to"
        elif answer.excerpt:
            story += f": {answer.excerpt}"
        permanent = is_permanent(answer.status)
        asked = answer.headers.get(b"retry-after", b"").decode("latin-1") or None
        wait = None if permanent else retry_after_seconds(asked, now=now)
        return DeliveryFailed(self._reason(story), permanent=permanent, retry_after_seconds=wait)

    def _reason(self, story: str) -> str:
        return reason(story, (self._secret, self._secret.removeprefix(SECRET_PREFIX), *url_secrets(self._url)))


def new_secret() -> str:
    """Return a fresh signing secret."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signing_key(secret: str, *, field: str = "secret") -> bytes:
    """Return the key that a signing secret stands for.

    Raises:
        SecretRefused: the secret is not ``whsec_`` and the base64 of 24 to 64 bytes; it is about ``field``.

    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET_PREFIX) or len(key) not in _SECRET_BYTES:
        raise SecretRefused(
            f"{field}: a signing secret is {SECRET_PREFIX} and the base64 of 24 to 64 random bytes; "
            "leave it out to get one.",
            field=field,
        )
    return key


def signature(key: bytes, event_id: str, moment: int, body: bytes) -> str:
    """Return the signature of a message of this id and body that is sent at ``moment`` (seconds since 1970)."""
    signed = b".".join((event_id.encode(), str(moment).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _body(message: Message) -> bytes:
    document = {
        "event_id": message.event_id,
        "kind": message.kind,
        "at": message.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "title": message.title,
        "text": message.text,
        "data": dict(message.document),
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def _headers(message: Message, moment: int, signed: str) -> _Headers:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Gristmill",
        "webhook-id": message.event_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": signed,
        "X-Gristmill-Event-Id": message.event_id,
    }
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _excerpt(response: httpcore.Response) -> str:
    """Read a little of the body; a receiver that stops half-way has answered all the same."""
    read = b""
    try:
        for part in response.iter_stream():
            read += part
            if len(read) >= _MOST_BODY_BYTES:
                break
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        pass
    return read[:_MOST_BODY_BYTES].decode("utf-8", "replace")


def _host(url: httpx.URL) -> str:
    # The path of a webhook is often its password.
    return url.host if url.port is None else f"{url.host}:{url.port}"


def _trouble(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return "it did not answer in time"
    return str(error) or type(error).__name__


@functools.cache
def _usual_trust() -> ssl.SSLContext:
    return httpx.create_ssl_context()

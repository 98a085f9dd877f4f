"""One GET over connections that the guard has checked. Redirects are followed a few times, under the same guard."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpcore
import httpx

from gristmill.data.source import DataFailed
from gristmill.guard.address_guard import AddressGuard, AddressRefused, parse
from gristmill.guard.guarded_network import GuardedNetwork

_CONNECT_SECONDS = 10.0
_STALL_SECONDS = 60.0
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Broken = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
"""What a request raises that does not end well; another try may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Getter:
    """How to ask. ``secret_headers`` go to the first address only, not to where it redirects.

    ``wait_seconds`` is how long to wait before the first of the further tries; it doubles with each.
    """

    guard: AddressGuard
    tls: ssl.SSLContext
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    total_seconds: float = 30.0
    stall_seconds: float = _STALL_SECONDS
    wait_seconds: float = 0.25
    follow: bool = True

    @contextmanager
    def get(self, url: httpx.URL, headers: Mapping[str, str]) -> Iterator[Answer]:
        """Ask, and give the answer while its body can be read. Any status but that of a redirect is an answer.

        Raises:
            DataFailed: an address is refused, or there are too many redirects.
            Broken: the server could not be reached, or did not keep to the protocol.

        """
        with ExitStack() as stack:
            yield self._follow(stack, url, headers)

    def _follow(self, stack: ExitStack, url: httpx.URL, headers: Mapping[str, str]) -> Answer:
        first = url
        for _ in range(_MOST_REDIRECTS + 1):
            hop = stack.enter_context(ExitStack())
            secret = self.secret_headers if _origin(url) == _origin(first) else {}
            answer = self._ask(hop, url, {**headers, **secret})
            if answer.status not in _REDIRECTS or not self.follow:
                return answer
            hop.close()
            url = _next(url, answer)
        raise DataFailed("data_failed", f"{first.host} redirects more than {_MOST_REDIRECTS} times.")

    def _ask(self, stack: ExitStack, url: httpx.URL, headers: Mapping[str, str]) -> Answer:
        network = GuardedNetwork(self.guard, total_seconds=self.total_seconds)
        pool = stack.enter_context(httpcore.ConnectionPool(ssl_context=self.tls, network_backend=network))
        # Encoded bodies could not be resumed; files are wanted as they are.
        sent = {"Host": url.netloc.decode("ascii"), "User-Agent": "Gristmill", "Accept-Encoding": "identity", **headers}
        seconds = {"connect": _CONNECT_SECONDS, "read": self.stall_seconds, "write": self.stall_seconds}
        try:
            response = stack.enter_context(
                pool.stream(
                    "GET",
                    httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=[(name.encode(), value.encode()) for name, value in sent.items()],
                    extensions={"timeout": {**seconds, "pool": _CONNECT_SECONDS}},
                )
            )
        except AddressRefused as error:
            raise DataFailed("data_invalid", error.message, field="properties.url") from None
        read = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
        return Answer(response.status, read, response)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    _response: httpcore.Response

    def blocks(self) -> Iterator[bytes]:
        """Yield the body as it comes; one that ends before its announced length raises one of ``Broken``."""
        yield from self._response.iter_stream()

    def beginning(self, most_bytes: int) -> bytes:
        """Return the body, or as much of its beginning."""
        read = bytearray()
        for block in self.blocks():
            read += block
            if len(read) >= most_bytes:
                break
        return bytes(read[:most_bytes])


def trust(certificate: str | None) -> ssl.SSLContext:
    """Return whom to trust: the usual authorities, and one of one's own (PEM).

    Raises:
        ssl.SSLError: the certificate is none.

    """
    if certificate is None:
        return _usual_trust()
    context = httpx.create_ssl_context()
    context.load_verify_locations(cadata=certificate)
    return context


@functools.cache
def _usual_trust() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def story(error: Exception) -> str:
    """Say what went wrong on the way."""
    text = str(error) or type(error).__name__
    if isinstance(error, httpcore.TimeoutException):
        return "it did not answer in time"
    if "certificate" in text.lower():
        return f"its certificate is not trusted ({text}); a private authority's goes into the property ssl_certificate"
    return text


def _next(url: httpx.URL, answer: Answer) -> httpx.URL:
    try:
        found = parse(str(url.join(answer.headers.get("location", ""))))
    except (AddressRefused, httpx.InvalidURL):
        raise DataFailed("data_failed", f"{url.host} redirects to what is not a URL.") from None
    if url.scheme == "https" and found.scheme == "http":
        raise DataFailed("data_failed", f"{url.host} redirects from https to plain http, which is not followed.")
    return found


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port

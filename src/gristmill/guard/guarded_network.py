"""Connections of the HTTP client that go only to addresses that the guard has checked, and that end in time."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from gristmill.guard.address_guard import AddressGuard, NameNotFound


class GuardedNetwork(httpcore.NetworkBackend):
    """Resolves a host once, checks every address, and connects to one of these very addresses.

    Names for the Host header and for TLS stay those of the URL. Whatever the receiver does, nothing takes longer than
    ``total_seconds`` from now.
    """

    def __init__(self, guard: AddressGuard, *, total_seconds: float) -> None:
        self._guard = guard
        self._ends = time.monotonic() + total_seconds
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers.

        Raises:
            AddressRefused: the guard refuses one of the host's addresses.

        """
        try:
            addresses = self._guard.addresses(host, port)
        except NameNotFound as error:
            raise httpcore.ConnectError(str(error)) from error
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                within = _within(timeout, self._ends, httpcore.ConnectTimeout)
                stream = self._network.connect_tcp(address, port, within, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            return _BoundedStream(stream, self._ends)
        raise failure


class _BoundedStream(httpcore.NetworkStream):
    """A stream that ends in time even when the other end sends a byte now and then."""

    def __init__(self, stream: httpcore.NetworkStream, ends: float) -> None:
        self._stream = stream
        self._ends = ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _within(timeout, self._ends, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _within(timeout, self._ends, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = _within(timeout, self._ends, httpcore.ConnectTimeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, within), self._ends)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the signature of the library
        return self._stream.get_extra_info(info)


def _within(timeout: float | None, ends: float, error: type[httpcore.TimeoutException]) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise error("the time is over")
    return left if timeout is None else min(timeout, left)

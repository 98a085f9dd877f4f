"""A proxy on loopback for libraries that open their own connections outside of Python, and follow redirects unasked.

Whatever such a library is told to connect to, it asks this proxy, which checks the address and connects to this very
one. Each source of data has one of its own, which nobody else can use and which ends with it.
"""

from __future__ import annotations

import base64
import secrets
import socket
import socketserver
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from gristmill.guard.address_guard import AddressGuard, AddressRefused, NameNotFound

_MOST_HEAD_BYTES = 64 * 1024
_BLOCK_BYTES = 256 * 1024
_CONNECT_SECONDS = 10.0
# A stalled connection ends, even where the library behind would wait.
_IDLE_SECONDS = 120.0
_HEAD_ENDS = b"\r\n\r\n"


class GuardedProxy:
    """Runs until it is closed. ``url`` holds its password; ``trouble`` says why the last connection was not made.

    ``begun`` counts the connections of its library, ``running`` those that have not ended.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self.guard = guard
        self.trouble: AddressRefused | str | None = None
        self.begun = 0
        self.running = 0
        self._counting = threading.Lock()
        password = secrets.token_hex(16)
        self.authorization = b"basic " + base64.b64encode(f"gristmill:{password}".encode())
        self._open: set[socket.socket] = set()
        self._server = _Server(self)
        self.url = f"http://gristmill:{password}@127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, name="guarded-proxy", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def serves(self) -> int:
        """How many connections go through it."""
        return len(self._open)

    def close(self) -> None:
        """End it, and every connection through it."""
        self._server.shutdown()
        self._server.server_close()
        for connection in tuple(self._open):
            _end(connection)
        self._thread.join()

    def count(self, change: int) -> None:
        """Note that a connection of the library has begun (1) or ended (-1)."""
        with self._counting:
            self.begun += max(0, change)
            self.running += change

    def connect(self, host: str, port: int) -> socket.socket | None:
        """Connect to the first address of a host that answers; None notes in ``trouble`` why there is no connection."""
        try:
            addresses = self.guard.addresses(host, port)
        except (AddressRefused, NameNotFound) as error:
            self.trouble = error if isinstance(error, AddressRefused) else str(error)
            return None
        for address in addresses:
            try:
                return self.hold(socket.create_connection((address, port), _CONNECT_SECONDS))
            except OSError as error:
                self.trouble = f"{host}:{port} cannot be connected to: {error.strerror or error}"
        return None

    def hold(self, connection: socket.socket) -> socket.socket:
        """Note a connection, to be ended when the proxy is closed."""
        connection.settimeout(_IDLE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(connection)
        return connection

    def let_go(self, connection: socket.socket) -> None:
        """End a connection."""
        self._open.discard(connection)
        _end(connection)
        connection.close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, proxy: GuardedProxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Exchange)

    def handle_error(self, request: object, client_address: object) -> None:
        """Leave it: the library at the other end tells of connections that broke."""


class _Exchange(socketserver.BaseRequestHandler):
    """One connection of the library: one tunnel (https), or one request that is passed on (http)."""

    server: _Server
    request: socket.socket

    def handle(self) -> None:
        proxy = self.server.proxy
        proxy.count(1)
        client = proxy.hold(self.request)
        try:
            head, rest = _read_head(client)
            method, target, lines = _parts(head)
            if not _is_authorized(lines, proxy.authorization):
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            tunnel = method == b"CONNECT"
            host, port, path = _destination(target, tunnel=tunnel)
            upstream = proxy.connect(host, port)
            if upstream is None:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            try:
                if tunnel:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    first = rest
                else:
                    first = (
                        b"\r\n".join([b" ".join((method, path, b"HTTP/1.1")), *_passed_on(lines)]) + _HEAD_ENDS + rest
                    )
                _relay(client, upstream, first)
            finally:
                proxy.let_go(upstream)
        finally:
            proxy.let_go(client)
            proxy.count(-1)


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    read = b""
    while _HEAD_ENDS not in read:
        block = client.recv(_MOST_HEAD_BYTES)
        if not block or len(read) > _MOST_HEAD_BYTES:
            raise ConnectionError("no request")
        read += block
    head, _, rest = read.partition(_HEAD_ENDS)
    return head, rest


def _parts(head: bytes) -> tuple[bytes, bytes, list[bytes]]:
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.split(b" ", 2)
    return method, target, lines


def _is_authorized(lines: list[bytes], authorization: bytes) -> bool:
    given = [line.partition(b":")[2].strip() for line in lines if line.lower().startswith(b"proxy-authorization:")]
    scheme, _, value = given[0].partition(b" ") if given else (b"", b"", b"")
    return secrets.compare_digest(scheme.lower() + b" " + value, authorization)


def _destination(target: bytes, *, tunnel: bool) -> tuple[str, int, bytes]:
    text = target.decode("ascii")
    parsed = urlsplit(f"//{text}" if tunnel else text)
    port = parsed.port or (443 if tunnel else 80)
    path = (parsed.path or "/") + (f"?{parsed.query}" if parsed.query else "")
    return parsed.hostname or "", port, path.encode("ascii")


def _passed_on(lines: list[bytes]) -> list[bytes]:
    """Return the header lines without those that are for the proxy; one request a connection keeps to one address."""
    kept = [line for line in lines if not line.lower().startswith((b"proxy-", b"connection:"))]
    return [*kept, b"Connection: close"]


def _relay(client: socket.socket, upstream: socket.socket, first: bytes) -> None:
    if first:
        upstream.sendall(first)
    sender = threading.Thread(target=_copy, args=(client, upstream), daemon=True)
    sender.start()
    _copy(upstream, client)
    _end(client)
    sender.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy until the source ends, and tell the target so."""
    buffer = bytearray(_BLOCK_BYTES)
    view = memoryview(buffer)
    try:
        while number := source.recv_into(buffer):
            target.sendall(view[:number])
        target.shutdown(socket.SHUT_WR)
    except OSError:
        _end(source)
        _end(target)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)

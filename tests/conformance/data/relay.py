"""A relay in front of a real server: over TLS if asked, and refusing or holding requests that a test picks."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_BLOCK_BYTES = 65536
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Relay:
    """``first_lines`` are those of the requests that began a connection; those that are held wait for ``go``."""

    port: int
    go: threading.Event = field(default_factory=threading.Event)
    first_lines: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def relay(
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    refuses: Callable[[bytes], bool] = lambda _: False,
    holds: Callable[[bytes], bool] = lambda _: False,
) -> Iterator[Relay]:
    """Pass connections on to a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Relay(listening.getsockname()[1])

        def accept() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(client,), daemon=True).start()

        def serve(client: socket.socket) -> None:
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                opened = stack.enter_context(tls.wrap_socket(client, server_side=True) if tls else client)
                first = opened.recv(_BLOCK_BYTES)
                made.first_lines.append(first.partition(b"\r\n")[0])
                if refuses(first):
                    opened.sendall(_FORBIDDEN)
                    return
                if holds(first):
                    made.go.wait(30)
                server = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                server.sendall(first)
                back = threading.Thread(target=copy, args=(server, opened), daemon=True)
                back.start()
                copy(opened, server)
                back.join()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.go.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(_BLOCK_BYTES):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)

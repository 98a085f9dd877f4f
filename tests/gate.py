"""A relay of TCP before a service that others use: shut, it cuts whoever is connected and refuses whoever comes."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field

_PIECE = 65536


@dataclass
class Gate:
    """Passes connections of ``port`` on to ``target``, both of loopback."""

    target: int
    port: int = 0
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Stop to listen, and cut all connections."""
        with self._lock:
            ending, self._open = [*self._open, *([self._listener] if self._listener else [])], []
            self._listener = None
        for each in ending:
            _end(each)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._pass_on(listener, client, server)

    def _pass_on(self, listener: socket.socket, client: socket.socket, server: socket.socket) -> None:
        with self._lock:
            if self._listener is not listener:
                _end(client)
                _end(server)
                return
            # Those that have ended by themselves need not be kept.
            self._open = [each for each in self._open if each.fileno() >= 0] + [client, server]
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := one.recv(_PIECE):
            other.sendall(piece)
    _end(one)
    _end(other)


def _end(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()

"""The sockets that requests come in by: several listeners for one application, in one event loop."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

_LOOK_SECONDS = 0.05
_KEEP_ALIVE_SECONDS = 75
"""Longer than the clients keep idle connections: else a POST may meet a connection that is just being closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A bound socket; with ``certificate`` (PEM; the key is in it, or in ``key``) it speaks TLS."""

    socket: socket.socket
    certificate: Path | None = None
    key: Path | None = None

    @property
    def port(self) -> int:
        """The port, also where any free one was asked for."""
        return int(self.socket.getsockname()[1])


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that a port in use is told before anything else is begun.

    Raises:
        OSError: the port is in use or not allowed, or there is no such address here.

    """
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address, family=family, backlog=2048)


async def serve(
    app: ASGIApp,
    listeners: Sequence[Listener],
    *,
    stop: asyncio.Event,
    on_ready: Callable[[], None],
    grace_seconds: float,
) -> None:
    """Serve until ``stop`` is set, then let requests at work finish within the grace period.

    ``on_ready`` is called once, when all listeners accept.
    """
    servers = [_Server(_config(app, listener, grace_seconds)) for listener in listeners]
    async with asyncio.TaskGroup() as group:
        for server, listener in zip(servers, listeners, strict=True):
            group.create_task(server.serve(sockets=[listener.socket]))
        for server in servers:
            await server.accepting.wait()
        on_ready()
        await stop.wait()
        for server in servers:
            group.create_task(server.leave(grace_seconds))


class _Server(uvicorn.Server):
    """A server among others: it tells when it accepts, and leaves the process's signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    async def leave(self, grace_seconds: float) -> None:
        """Let requests at work finish within the grace period; connections that only wait are cut at once.

        Otherwise an idle TLS client would hold the process for 30 seconds: it does not read, so it never says goodbye.
        """
        self.should_exit = True
        deadline = time.monotonic() + grace_seconds
        # Once at least: what was sent before the signal may be on its way in.
        await asyncio.sleep(_LOOK_SECONDS)
        while self.server_state.tasks and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_SECONDS)
        self.force_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.accepting.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: ASGIApp, listener: Listener, grace_seconds: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(grace_seconds),
        ssl_certfile=listener.certificate,
        ssl_keyfile=listener.key,
    )

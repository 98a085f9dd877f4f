"""A real web server on this machine whose misbehaviour a test chooses."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Web:
    """Serves ``content`` at every path, save where it redirects; each answer ends after ``breaks_after`` bytes.

    ``versions`` are answered as ETags one after the other, the last one again and again; ``statuses`` are answered
    first. ``requests`` are the path, and the headers with small letters.
    """

    content: bytes = b"a,b\n1,2\n"
    versions: list[str] = field(default_factory=lambda: ['"one"'])
    version_header: str | None = "ETag"
    ranges: bool = True
    breaks_after: int | None = None
    stalls: bool = False
    tells_length: bool = True
    authorization: str | None = None
    statuses: list[int] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    redirect_status: int = 302
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    port: int = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def answer(self) -> None:
        web = self.server.web
        headers = {name.lower(): value for name, value in self.headers.items()}
        web.requests.append((self.path, headers))
        self.rfile.read(int(headers.get("content-length", 0)))
        self.close_connection = True
        if web.statuses:
            self.short(web.statuses.pop(0))
        elif target := web.redirects.get(self.path) or web.redirects.get("*"):
            self.short(web.redirect_status, Location=target)
        elif "*" in web.redirects:
            self.short(web.redirect_status)
        elif web.authorization and headers.get("authorization") != web.authorization:
            self.short(401)
        else:
            self.file(web, headers)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - names of the library

    def short(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def file(self, web: Web, headers: dict[str, str]) -> None:
        version = web.versions.pop(0) if len(web.versions) > 1 else web.versions[0]
        start = 0
        if web.ranges and "range" in headers and headers.get("if-range") in {None, version}:
            start = int(headers["range"].removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(web.content) - 1}/{len(web.content)}")
        if web.tells_length:
            self.send_header("Content-Length", str(len(web.content) - start))
        if web.version_header:
            self.send_header(web.version_header, version)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(web.content[start:][: web.breaks_after])
            self.wfile.flush()
            if web.stalls:
                web.over.wait(30)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, host: str, web: Web) -> None:
        self.web = web
        super().__init__((host, 0), _Handler)

    def handle_error(self, *_: object) -> None:
        # Clients that break off are what some tests are about.
        pass


@contextlib.contextmanager
def running_web(*, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Web]:
    """Start the server, and end it."""
    web = Web()
    server = _Server(host, web)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    web.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield web
    finally:
        web.over.set()
        server.shutdown()
        thread.join()
        server.server_close()

"""Real receivers on this machine: a mail server and an HTTP server that keep what they get and answer as told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from tests.ports import free_port

from gristmill import tls

USER, PASSWORD = "notifier", "correct-horse-battery"


@dataclass
class MailSink:
    """Keeps the mails it takes. ``replies`` says what it answers instead, for a step (RCPT, DATA)."""

    replies: dict[str, str] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    breaks_off: bool = False
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - the library's names
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if "RCPT" in self.replies:
            return self.replies["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.replies:
            return self.replies["DATA"]
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    async def handle_QUIT(self, server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        if self.breaks_off:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "221 Bye"

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        if good:
            self.users.append(data.login.decode())
        return AuthResult(success=good, handled=False)


@contextlib.contextmanager
def mail_sink(
    *, context: ssl.SSLContext | None = None, implicit: bool = False, auth: bool = False, utf8: bool = True
) -> Iterator[MailSink]:
    """A mail server; ``context`` lets it offer STARTTLS, or speak TLS from the start."""
    sink = MailSink(port=free_port())
    controller = Controller(
        sink,
        hostname="127.0.0.1",
        port=sink.port,
        ssl_context=context if implicit else None,
        tls_context=None if implicit else context,
        authenticator=sink.authenticate if auth else None,
        auth_exclude_mechanism=() if auth else ("LOGIN", "PLAIN"),
        auth_required=auth and context is not None and not implicit,
        auth_require_tls=context is not None and not implicit,
        enable_SMTPUTF8=utf8,
    )
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class HttpSink:
    """Keeps the requests it gets; answers with ``status``, ``headers`` and ``body``, once ``go`` is set."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    drip: bool = False
    go: threading.Event = field(default_factory=threading.Event)
    requests: list[Request] = field(default_factory=list)
    port: int = 0


@contextlib.contextmanager
def http_sink(*, context: ssl.SSLContext | None = None) -> Iterator[HttpSink]:
    """An HTTP server, or one of https."""
    sink = HttpSink()
    sink.go.set()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sink.requests.append(Request(self.path, dict(self.headers), body))
            sink.go.wait(30)
            with contextlib.suppress(OSError):
                self.answer()

        def answer(self) -> None:
            while sink.drip and not over.wait(0.05):
                self.wfile.write(b"HTTP/1.1 200 OK\r\n" if not getattr(self, "begun", False) else b"X: y\r\n")
                self.begun = True
            self.send_response(sink.status)
            for name, value in {"Content-Length": str(len(sink.body)), **sink.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sink.body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, *_: object) -> None:
            # Clients that break off are what some tests are about.
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    sink.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield sink
    finally:
        over.set()
        sink.go.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Trust:
    """TLS for a server that is named localhost and 127.0.0.1, and for clients that trust its authority."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def trust(directory: Path, *names: str) -> Trust:
    """Make a private authority, and a certificate by it for these names."""
    identity = tls.ensure(directory, names or ("localhost", "127.0.0.1"), now=datetime.now(UTC))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(identity.server)
    return Trust(server, ssl.create_default_context(cafile=str(identity.ca)))

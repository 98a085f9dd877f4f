"""Where a server listens: its ports, its certificate, and the lines that tell where it is."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from gristmill import tls
from gristmill.api import console
from gristmill.api.listeners import Listener, bind
from gristmill.settings import CannotStart, Settings

LOOPBACK = "127.0.0.1"


def bind_all(settings: Settings) -> list[socket.socket]:
    """Bind the API's port, and the plain one on loopback if it is wanted.

    Raises:
        CannotStart: a port is in use, or may not be bound.

    """
    sockets = [_bind(settings.host, settings.port, setting="port")]
    if settings.http_port is not None:
        sockets.append(_bind(LOOPBACK, settings.http_port, setting="http_port"))
    return sockets


def _bind(host: str, port: int, *, setting: str) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = "is in use by another program" if in_use else f"cannot be listened on: {error.strerror or error}"
        way_out = (
            f"Choose another with --{setting.replace('_', '-')} or GRISTMILL_{setting.upper()}; 0 takes any free one."
        )
        raise CannotStart(f"Port {port} of {host} {reason}. {way_out}") from error


def listeners(settings: Settings, sockets: Sequence[socket.socket]) -> list[Listener]:
    """Return what serves at these sockets, the first one by TLS unless that is off.

    Raises:
        CannotStart: the certificate that is given cannot be used.

    """
    plain = [Listener(socket=one) for one in sockets]
    if not sockets or not settings.tls:
        return plain
    if settings.tls_cert:
        _check_certificate(settings)
        secured = Listener(socket=sockets[0], certificate=settings.tls_cert, key=settings.tls_key)
    else:
        identity = tls.ensure(tls_directory(settings), _names(settings), now=datetime.now(UTC))
        secured = Listener(socket=sockets[0], certificate=identity.server)
    return [secured, *plain[1:]]


def _check_certificate(settings: Settings) -> None:
    assert settings.tls_cert
    try:
        # An encrypted key would be asked for at the terminal; here there is none.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_cert, settings.tls_key, lambda: ""
        )
    except OSError as error:
        pair = f"The certificate {settings.tls_cert} with the key {settings.tls_key}"
        raise CannotStart(f"{pair} cannot be used: {error}.") from error


def _names(settings: Settings) -> list[str]:
    """Return the host names and addresses that the certificate is for."""
    public = urlsplit(settings.public_url or "").hostname
    given = [name for name in (settings.host, public) if name and not _any_address(name)]
    return ["localhost", LOOPBACK, "::1", socket.gethostname(), *given]


def ready_lines(settings: Settings, listeners: Sequence[Listener]) -> list[str]:
    """Return where the API is, and the console: at the plain port, which needs no certificate that browsers know."""
    if not console.is_built():
        return [_ready_line(settings, listeners[0]), console.NOT_BUILT]
    plain = f"http://{LOOPBACK}:{listeners[-1].port}" if len(listeners) > 1 else url(settings, listeners[0])
    return [_ready_line(settings, listeners[0]), f"The console is at {plain}{console.PATH}"]


def _ready_line(settings: Settings, main: Listener) -> str:
    line = f"Gristmill is ready at {url(settings, main)}"
    if main.certificate is None:
        return line
    if settings.tls_cert:
        return f"{line} (certificate: {settings.tls_cert})"
    return f"{line} (CA: {tls_directory(settings) / 'ca.pem'})"


def url(settings: Settings, main: Listener) -> str:
    """Return where a listener is reached, by the name of this machine where it listens on every address."""
    host = socket.gethostname() if _any_address(settings.host) else settings.host
    scheme = "http" if main.certificate is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{main.port}"


def _any_address(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def tls_directory(settings: Settings) -> Path:
    """Return where the server's own certificates are."""
    return settings.data_dir.resolve() / "tls"

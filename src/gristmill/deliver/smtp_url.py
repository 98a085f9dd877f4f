"""The URL of a mail server."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_FORM = "write smtp://user:password@host:port, or smtps:// for TLS from the start"
_PORTS = {"smtp": 25, "smtps": 465}


class MailRefused(ValueError):
    """A setting of e-mail is wrong; the text does not repeat it, for it may hold a password."""


class StartTls(StrEnum):
    """Whether a connection is encrypted before anything else is said."""

    OFFERED = "offered"
    REQUIRED = "required"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MailServer:
    """Where the mail server is and how to talk to it. ``password`` counts only where there is a user."""

    host: str
    port: int
    implicit_tls: bool
    starttls: StartTls
    user: str | None
    password: str

    @classmethod
    def of(cls, url: str) -> MailServer:
        """Read a URL. Special characters of user and password are written as %40 and the like.

        Raises:
            MailRefused: says which part is wrong, without repeating it.

        """
        parts = _split(url)
        user, password = _credentials(parts)
        return cls(
            host=_host(parts),
            port=_port(parts),
            implicit_tls=parts.scheme == "smtps",
            starttls=_starttls(parts),
            user=user,
            password=password,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, in each form that a server could send back."""
        if self.user is None:
            return ()
        pair = f"\0{self.user}\0{self.password}"
        return (self.password, *(base64.b64encode(text.encode()).decode() for text in (self.password, pair)))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise MailRefused(f"the URL of the mail server is none; {_FORM}") from None
    if parts.scheme not in _PORTS:
        raise MailRefused(f"the URL of the mail server begins with neither smtp:// nor smtps://; {_FORM}")
    if parts.path not in {"", "/"} or parts.fragment:
        raise MailRefused(
            f"the URL of the mail server goes on after its port; {_FORM}, with special characters as %2F and the like"
        )
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname
    if not host or not host.isprintable() or " " in host:
        raise MailRefused(f"the URL of the mail server names no host; {_FORM}")
    return host


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise MailRefused(f"the port of the mail server is not a number from 1 to 65535; {_FORM}") from None
    if port == 0:
        raise MailRefused(f"the port of the mail server is not a number from 1 to 65535; {_FORM}")
    return port or _PORTS[parts.scheme]


def _credentials(parts: SplitResult) -> tuple[str | None, str]:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise MailRefused(f"user and password of the mail server belong together; {_FORM}")
    if not (user + password).isascii() or not (user + password).isprintable():
        raise MailRefused("user and password of the mail server may have only printable ASCII characters")
    return (user, password) if user else (None, "")


def _starttls(parts: SplitResult) -> StartTls:
    options = parse_qsl(parts.query, keep_blank_values=True)
    if not options:
        return StartTls.OFFERED
    if parts.scheme == "smtps":
        raise MailRefused("smtps:// is TLS from the start and takes no options; for STARTTLS write smtp://")
    match options:
        case [("starttls", ("required" | "never") as value)]:
            return StartTls(value)
    raise MailRefused("the URL of the mail server takes one option: ?starttls=required or ?starttls=never")

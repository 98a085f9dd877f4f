"""The cookie of a browser that is signed in, and from where requests that bring it may come."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request, Response

from gristmill.domain.errors import Forbidden

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SECURED = "__Host-gristmill"
"""Browsers take a cookie of this name over TLS only, for this host and all of its paths."""
_PLAIN = "gristmill"


class ForeignRequest(Forbidden):
    """Another site made the browser send this."""

    code = "foreign_request"

    def __init__(self) -> None:
        super().__init__("This request came from another site. Use the console, or send a token instead of the cookie.")


def give(request: Request, response: Response, secret: str, *, seconds: int) -> None:
    """Let the browser keep the secret of its session; scripts cannot read it, other sites cannot send it."""
    secured = _secured(request)
    response.set_cookie(_name(secured), secret, max_age=seconds, httponly=True, samesite="strict", secure=secured)


def take_away(request: Request, response: Response) -> None:
    """Let the browser forget its session."""
    secured = _secured(request)
    response.delete_cookie(_name(secured), httponly=True, samesite="strict", secure=secured)


def secret_of(request: Request) -> str | None:
    """Return the secret of the session that the request brings.

    Raises:
        ForeignRequest: the request changes something, and was not made by a page of this server.

    """
    secret = request.cookies.get(_name(_secured(request)))
    if secret:
        refuse_foreign(request)
    return secret or None


def refuse_foreign(request: Request) -> None:
    """Refuse what changes something and was made by a page of another site.

    Raises:
        ForeignRequest: it was.

    """
    if request.method not in _SAFE and not _from_here(request):
        raise ForeignRequest


def _from_here(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    # Browsers from before that header, and over plain HTTP to names other than localhost. Programs send neither.
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _secured(request: Request) -> bool:
    public = getattr(request.app.state, "public_url", None) or ""
    return request.url.scheme == "https" or public.startswith("https:")


def _name(secured: bool) -> str:
    return _SECURED if secured else _PLAIN

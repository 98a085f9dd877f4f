"""Links that need no token for a while: to upload and download content."""

from __future__ import annotations

from datetime import timedelta

from gristmill.service.context import Context

LIFETIME = timedelta(hours=1)


def link(context: Context, method: str, path: str) -> str:
    """Return the path with a signature that is good for this method for an hour."""
    signature = context.secrets.sign_path(f"{method} {path}", context.now() + LIFETIME)
    return f"{path}?signature={signature}"


def check(context: Context, method: str, path: str, signature: str | None) -> None:
    """Check a link that `link` made.

    Raises:
        Forbidden: it was made for something else, or its time is over.

    """
    context.secrets.check_path(f"{method} {path}", signature or "", now=context.now())

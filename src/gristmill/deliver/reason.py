"""Why a delivery failed, fit for a delivery log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

_MOST_CHARACTERS = 300
_LEAST_SECRET = 4
_URL_PARTS = re.compile(r"[^/:@?&=,\s]{6,}")


def reason(text: str, secrets: Iterable[str | None] = ()) -> str:
    """Return the text on one line, of a bounded length, with every secret in it replaced by ``***``."""
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        # A secret of one letter would tear every word apart and hide nothing.
        if len(secret) >= _LEAST_SECRET:
            text = text.replace(secret, "***")
    printable = "".join(character if character.isprintable() else " " for character in text)
    line = " ".join(printable.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 3]}..."


def one_line(text: str) -> str:
    """Return a title without line breaks and control characters, which could forge headers."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def url_secrets(url: str) -> set[str]:
    """Return what may be secret in a URL: itself, and every longer part of it but its host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return {url, *_URL_PARTS.findall(url)}
    found = _URL_PARTS.findall(f"{parts.netloc.rpartition('@')[0]} {parts.path} {parts.query}")
    return {url, *found, *(unquote(part) for part in found)}

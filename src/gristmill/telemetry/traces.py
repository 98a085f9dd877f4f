"""Traces: spans from a request to its run's result, each beneath the one whose W3C ``traceparent`` it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

Attributes: TypeAlias = Mapping[str, str | int | float | bool]
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Span:
    """Something that takes time. This one is kept nowhere: whoever is beneath it is beneath its parent."""

    def __init__(self, parent: str | None) -> None:
        self._parent = parent

    @property
    def traceparent(self) -> str | None:
        """By which others put their spans beneath this one."""
        return self._parent

    def end(
        self,
        *,
        name: str | None = None,
        at: datetime | None = None,
        failed: str | None = None,
        attributes: Attributes | None = None,
    ) -> None:
        """End it, now or at a moment; ``failed`` says why it did, a new ``name`` what it turned out to be."""


class Traces:
    """Where spans go. Safe to use from any thread. Here none are kept, but what a client sent reaches its run's code.

    ``keeps`` says whether any are: else nobody need look for what would be in them.
    """

    keeps = False

    def begin(
        self,
        name: str,  # noqa: ARG002 - for those that keep it
        *,
        parent: str | None,
        at: datetime | None = None,  # noqa: ARG002
        attributes: Attributes | None = None,  # noqa: ARG002
    ) -> Span:
        """Begin a span, now or at a moment; without a parent it is the first of a trace."""
        return Span(parent)

    def close(self) -> None:
        """Send what has ended, and no more."""


def read_traceparent(header: str | None) -> str | None:
    """Return a ``traceparent`` header (w3.org/TR/trace-context), None where it is none of version 00."""
    return header if header and _TRACEPARENT.fullmatch(header) else None

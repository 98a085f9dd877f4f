"""Reading JSON piece by piece from a body: one value in memory at a time, however large the document."""

from __future__ import annotations

from typing import BinaryIO

from gristmill.domain.errors import Invalid
from gristmill_runner.json_stream import JsonStream


def json_stream(file: BinaryIO) -> JsonStream:
    """Return a cursor over a body, which raises ``Invalid`` where that is not JSON."""
    return JsonStream(file, refusal=_refusal)


def _refusal(what: str) -> Invalid:
    return Invalid(f"The body is not {what}.", code="invalid_json", field="body")

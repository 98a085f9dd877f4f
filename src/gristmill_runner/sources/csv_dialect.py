"""How a CSV file is written: its delimiter and quote, told or found out from its first lines."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import Dialect as Told

_DELIMITERS = (",", ";", "\t", "|")
_QUOTES = ('"', "'")
_LINES = 50


@dataclass(frozen=True)
class Dialect:
    """A delimiter and a quote, which is doubled within quotes; ``break_`` is the last byte of a line's end."""

    delimiter: str = ","
    quote: str = '"'
    break_: bytes = b"\n"


def dialect_of(sample: bytes, told: Told, name: str) -> Dialect:
    """Return the dialect; what is told needs no guess.

    Raises:
        RunFailed: ``input_unreadable``: what is told cannot be.

    """
    text = sample.decode("utf-8", "replace")
    for what in ("delimiter", "quote"):
        if told.get(what) is not None and not _is_sign(str(told.get(what))):
            message = f"the {what} of {name} is to be one ASCII character, not {told.get(what)!r}"
            raise RunFailed("input_unreadable", message)
    quote = told.get("quote") or _quote(text, told.get("delimiter"))
    delimiter = told.get("delimiter") or _delimiter(text, quote)
    return Dialect(delimiter, quote, b"\r" if b"\n" not in sample and b"\r" in sample else b"\n")


def rows_of(text: str, dialect: Dialect) -> Sequence[list[str]]:
    """Return the rows of a few lines."""
    reader = csv.reader(text.splitlines(keepends=True), delimiter=dialect.delimiter, quotechar=dialect.quote)
    return [row for row in reader if row]


def _is_sign(text: str) -> bool:
    return len(text) == 1 and text.isascii() and text not in "\r\n\0"


def _quote(text: str, delimiter: str | None) -> str:
    """Return the single quote where all names of the first line stand in them, else the double quote."""
    line = text.lstrip().split("\n", 1)[0].rstrip("\r")
    for quote in _QUOTES[1:]:
        for sign in (delimiter,) if delimiter else _DELIMITERS:
            names = line.split(sign)
            if all(len(name) > 1 and name.startswith(quote) and name.endswith(quote) for name in names):
                return quote
    return _QUOTES[0]


def _delimiter(text: str, quote: str) -> str:
    """Return the delimiter that cuts most lines into as many cells as the first; of equals the one with more cells."""
    lines = text.splitlines(keepends=True)
    whole = "".join(lines[: min(_LINES, max(1, len(lines) - 1))])  # the last line of a sample may be cut
    return max(_DELIMITERS, key=lambda sign: _fit(whole, Dialect(sign, quote)))


def _fit(text: str, dialect: Dialect) -> tuple[float, int]:
    try:
        header, *rows = rows_of(text, dialect)
    except (ValueError, csv.Error):
        return 0.0, 0
    if len(header) < 2:
        return 0.0, 0
    alike = sum(len(row) == len(header) for row in rows)
    return (alike / len(rows) if rows else 1.0), (len(header) if dialect.delimiter != "," else len(header) + 1)

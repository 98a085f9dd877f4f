"""Numbered lines of a log: cut from blocks as these come, or picked from all of them, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gristmill.domain.log_tail import LONGEST_LINE_BYTES, lines

MOST_PICKED_BYTES = 4 * 1024**2
"""So much text is picked at once; whoever wants more asks again from the line after it."""
_TROUBLE = re.compile(rb"(error|exception|traceback|fatal|critical)\b|failed: ", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line; ``number`` counts from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """Lines that were asked for, how many there would be in all from the first on, and how many the log has."""

    lines: Sequence[Line]
    matches: int
    total: int


@dataclass(slots=True)
class LineCutter:
    """Cuts blocks into lines; ``number`` is that of the last whole one, what follows it is held back."""

    number: int = 0
    rest: bytes = b""

    def feed(self, block: bytes) -> list[str]:
        """Return the lines that the block makes whole."""
        first, *others = block.split(b"\n")
        self.rest = (self.rest + first)[:LONGEST_LINE_BYTES]
        found = []
        for line in others:
            found.append(self.rest.decode(errors="replace"))
            self.rest = line[:LONGEST_LINE_BYTES]
        self.number += len(found)
        return found

    def finish(self) -> list[str]:
        """Return what is left when nothing more comes."""
        return self.feed(b"\n") if self.rest else []


def pick(blocks: Iterable[bytes], *, first: int, limit: int, contains: str | None, trouble: bool) -> Picked:
    """Return up to ``limit`` lines from number ``first`` on: all, or those that hold a text or tell of trouble.

    The text is found whatever its case.
    """
    needle = contains.encode().lower() if contains else b""
    found: list[Line] = []
    matches = total = size = 0
    for total, line in enumerate(lines(blocks), start=1):
        if total < first or (needle and needle not in line.lower()) or (trouble and not _TROUBLE.search(line)):
            continue
        matches += 1
        if len(found) < limit and size < MOST_PICKED_BYTES:
            size += len(line)
            found.append(Line(number=total, text=line.decode(errors="replace")))
    return Picked(lines=found, matches=matches, total=total)

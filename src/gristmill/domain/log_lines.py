"""Numbered lines of a log: cut from blocks as these come, or picked from all of them, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gristmill.domain.log_tail import LONGEST_LINE_BYTES, lines_of, pieces

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
    picking = _Picking(first=first, limit=limit, needle=contains.encode().lower() if contains else b"", trouble=trouble)
    for piece in pieces(blocks):
        picking.take(piece)
    return Picked(lines=picking.found, matches=picking.matches, total=picking.total)


@dataclass(slots=True, kw_only=True)
class _Picking:
    """What was picked from the pieces that were taken; a piece is looked at line by line only where that can matter."""

    first: int
    limit: int
    needle: bytes
    trouble: bool
    found: list[Line] = field(default_factory=list)
    matches: int = 0
    total: int = 0
    size: int = 0

    def take(self, piece: bytes) -> None:
        number, ends = self.total, piece.count(b"\n") + (not piece.endswith(b"\n"))
        self.total += ends
        if self.total < self.first or not self._holds(piece):
            return
        if self._is_full() and not self.needle and not self.trouble and number + 1 >= self.first:
            self.matches += ends
            return
        for at, line in enumerate(lines_of(piece), start=number + 1):
            if at >= self.first and self._holds(line):
                self._pick(at, line)

    def _holds(self, text: bytes) -> bool:
        """Tell whether a line is one that is wanted, or a piece may hold one."""
        if self.needle and self.needle not in text.lower():
            return False
        return not self.trouble or _TROUBLE.search(text) is not None

    def _pick(self, number: int, line: bytes) -> None:
        self.matches += 1
        if not self._is_full():
            self.size += len(line)
            self.found.append(Line(number=number, text=line.decode(errors="replace")))

    def _is_full(self) -> bool:
        return len(self.found) >= self.limit or self.size >= MOST_PICKED_BYTES

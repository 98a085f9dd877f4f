"""The end of a log, or the lines of it that hold a text, in bounded memory however long the log is."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

LONGEST_LINE_BYTES = 64 * 1024
"""What a line has beyond this is left out; a log without line ends is no reason to hold it in memory."""


def tail(blocks: Iterable[bytes], limit: int) -> tuple[list[bytes], int]:
    """Return the last ``limit`` lines, and how many lines there are."""
    kept: deque[tuple[bytes, int]] = deque()
    ends = total = 0
    last = b"\n"
    for block in blocks:
        found = block.count(b"\n")
        total, ends, last = total + found, ends + found, block[-1:] or last
        kept.append((block, found))
        # What is left must hold the end before the first wanted line, too.
        while len(kept) > 1 and ends - kept[0][1] > limit:
            ends -= kept.popleft()[1]
    found_lines = list(lines(block for block, _ in kept))[-limit:]
    return found_lines, total + (last != b"\n")


def holding(blocks: Iterable[bytes], text: str, limit: int) -> tuple[list[bytes], int]:
    """Return the last ``limit`` lines that hold the text, whatever its case, and how many do."""
    needle, total = text.encode().lower(), 0
    kept: deque[bytes] = deque(maxlen=limit)
    for line in lines(blocks):
        if needle in line.lower():
            total += 1
            kept.append(line)
    return list(kept), total


def lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines, without their ends."""
    for piece in pieces(blocks):
        yield from lines_of(piece)


def pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the blocks cut anew behind ends of lines, so that no line is in two; only the last may have no end."""
    rest = b""
    for block in blocks:
        whole, end, begun = block.rpartition(b"\n")
        if end:
            yield rest + whole + end
            rest = begun[:LONGEST_LINE_BYTES]
        else:
            rest = (rest + begun)[:LONGEST_LINE_BYTES]
    if rest:
        yield rest


def lines_of(piece: bytes) -> list[bytes]:
    """Return the lines of a piece, without their ends."""
    found = piece.removesuffix(b"\n").split(b"\n")
    return [line[:LONGEST_LINE_BYTES] for line in found]

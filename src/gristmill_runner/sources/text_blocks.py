"""Cuts a text between rows: into ranges of a file where it lies as it is, else into scratch files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gristmill_runner.failure import RunFailed
from gristmill_runner.sources.source import Block
from gristmill_runner.sources.text_file import ByteStream, TextFile, read_fully

LARGEST_ROW_BYTES = 2**28

Cut = Callable[[bytes], int]
"""Takes bytes from the beginning of a row on, returns how many of them are whole rows."""


@dataclass(frozen=True)
class Sizes:
    """How large blocks are, in bytes; the first one is scored alone, so it is small."""

    first: int
    usual: int


def text_blocks(
    text: TextFile, cut: Cut, *, source: int, begin: int, after: int | None, scratch: Path, sizes: Sizes
) -> Iterator[Block]:
    """Cut a text whose rows begin at ``begin``; marks are positions in its UTF-8, ``after`` is one of them.

    Raises:
        RunFailed: ``input_unreadable``: a row is longer than anything can be.

    """
    position = begin if after is None else after
    stream = text.open_text(position)
    try:
        for size, rows in _pieces(stream, cut, sizes, name=text.name, first=after is None):
            block = _block(text, source, position, rows, scratch=scratch, size=size)
            yield replace(block, reached=text.reached(stream) if block.scratch else block.stop)
            position += size
        if after is None and position == begin:
            yield _block(text, source, position, b"", scratch=scratch, size=0)
    finally:
        stream.close()


def _block(text: TextFile, source: int, position: int, rows: bytes, *, scratch: Path, size: int) -> Block:
    mark = position + size
    if text.plain_path is not None:
        return Block(source, text.plain_path, position, mark, mark)
    path = scratch / f"{source}-{position}.rows"
    path.write_bytes(rows)
    return Block(source, path, 0, size, mark, scratch=True)


def _pieces(stream: ByteStream, cut: Cut, sizes: Sizes, *, name: str, first: bool) -> Iterator[tuple[int, bytes]]:
    held, size = b"", sizes.first if first else sizes.usual
    while True:
        held += read_fully(stream, size - len(held))
        ended = len(held) < size
        whole = len(held) if ended else cut(held)
        if whole:
            yield whole, held[:whole]
            held, size = held[whole:], max(sizes.usual, len(held) - whole)
        elif not ended:
            size = _larger(size, name)
        if ended:
            return


def _larger(size: int, name: str) -> int:
    if size >= LARGEST_ROW_BYTES:
        told = f"a row longer than {LARGEST_ROW_BYTES / 2**20:,.0f} MiB: is there a quote that is not closed?"
        raise RunFailed("input_unreadable", f"{name} has {told}")
    return min(2 * size, LARGEST_ROW_BYTES)


def after_last_line(rows: bytes) -> int:
    """Cut after the last line."""
    return rows.rfind(b"\n") + 1

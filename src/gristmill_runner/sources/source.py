"""What every input offers: blocks that are cheap to cut, each of which a scorer parses by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gristmill_runner.chunk import Chunk


@dataclass(frozen=True)
class Block:
    """A piece of a source, cut between rows: the bytes of ``path`` from ``start`` up to ``stop``.

    ``mark`` is JSON and tells where the next block begins. A ``scratch`` file was made for this block alone (what was
    decompressed or decoded) and goes when the block is done. ``reached`` tells how far into the source's file one is
    behind it, by its ``file_bytes``; None where nobody knows.
    """

    source: int
    path: Path
    start: int
    stop: int
    mark: Any
    scratch: bool = False
    reached: int | None = None


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be scored, by its position within its block (from 0, bad ones counted too).

    ``text`` is the row as it came where it has no columns of its own (too many or too few values, no JSON).
    """

    position: int
    reason: str
    column: str | None = None
    value: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Parsed:
    """The rows of a block: those that could be read, and those that could not.

    ``rows`` counts both. ``positions`` are where the chunk's rows stand in the block; None: it holds all rows.
    """

    chunk: Chunk
    rows: int
    positions: Sequence[int] | None = None
    bad: list[BadRow] = field(default_factory=list)


class Source(Protocol):
    """One inline table, file, or member of an archive. Coordinator and scorers each make their own of one spec."""

    @property
    def name(self) -> str:
        """Its own name, as people know it; empty for inline rows."""

    @property
    def rows(self) -> int | None:
        """How many rows there are, None where only reading all of it would tell."""

    @property
    def size_bytes(self) -> int | None:
        """The size by which ``stop`` of its blocks tells how far one is, None where there is no such measure."""

    @property
    def file_bytes(self) -> int | None:
        """The size of the file as it lies there, compressed if it is; None where blocks do not tell how far one is."""

    def blocks(self, scratch: Path, *, after: Any = None) -> Iterator[Block]:  # noqa: ANN401 - a block's mark, JSON
        """Cut the source into blocks, in order; an empty one yields one block without rows, for its columns.

        ``after`` is the mark of the last block that is done. ``scratch`` is a directory for scratch files.

        Raises:
            RunFailed: ``input_unreadable``, ``schema_mismatch``, ``unsupported_format``.

        """

    def parse(self, block: Block, *, kinds: Mapping[str, str | None] | None = None) -> Parsed:
        """Return the rows of a block. ``first_row`` of the chunk counts within the block.

        ``kinds`` are the columns that the model takes, with their kinds (``convert.py``) as far as they are known: a
        source may hand these over as numbers already, where every value is one and the chunk has ``lines``.

        Raises:
            RunFailed: ``input_unreadable``: not one row is at fault, but the file.

        """

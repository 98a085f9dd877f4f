"""What the floors above ask of a content store. `folder.py` keeps it in a directory, `s3.py` in a bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A finished piece of content; ``size`` in bytes, ``sha256`` in hexadecimal."""

    key: str
    size: int
    sha256: str


class Content(Protocol):
    """Content is written once, whole, under a new key, and never changed. Keys are made by the store."""

    @property
    def place(self) -> str:
        """Where it lies, as an administrator names it: an absolute path, or s3://bucket/prefix."""

    @property
    def disk(self) -> Path | None:
        """The directory whose disk it fills; None where nobody tells how much room there is, as of a bucket."""

    def put(self, chunks: Iterable[bytes]) -> Stored:
        """Keep the bytes; they are there, durably and whole, when this returns, and not at all when it raises."""

    def put_file(self, path: Path, *, own_names: int = 1) -> Stored:
        """Keep a file's bytes; the file itself may be moved away.

        ``own_names`` is how many names (hard links) of it are the caller's, who changes it through none of them.
        """

    def put_back(self, key: str, chunks: Iterable[bytes], *, size: int) -> Stored:
        """Keep bytes that come back from a backup under the key that they had; ``size`` is how many are announced.

        Raises:
            ContentMissing: no store has made such a key.

        """

    def open(self, key: str) -> BinaryIO:
        """Open for reading.

        Raises:
            ContentMissing: nothing is kept under this key.

        """

    def stream(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from ``start`` in blocks of at most 1 MiB."""

    def materialize(self, key: str, target: Path) -> None:
        """Lay the content down as a file of its own; changing that file does not change the content."""

    def delete(self, key: str) -> None:
        """Remove it; absent is fine."""

    def keys(self, *, older_than_seconds: float) -> Iterator[str]:
        """Yield the keys of what has been kept for so long, in no special order, looking as they are asked for."""

    def size(self, key: str) -> int:
        """Return how many bytes are kept under a key, 0 where nothing is."""

    def discard_drafts(self, *, older_than_seconds: float) -> int:
        """Remove what writers that were killed left half written; return how many drafts went."""


class ContentMissing(Exception):
    """Nothing is kept under that key."""


class ContentUnreachable(OSError):
    """The store does not answer, or refuses; the message says which, and repeats no key."""

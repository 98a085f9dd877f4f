"""A content store in memory, whose keys and ages come from the simulation."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from gristmill.content.content import ContentMissing, Stored

_BLOCK_BYTES = 1024 * 1024


@dataclass
class MemoryContent:
    """Implements ``Content``. What is put outlives the process that put it."""

    clock: Callable[[], datetime]
    new_key: Callable[[], str]
    kept: dict[str, bytes] = field(default_factory=dict)
    put_at: dict[str, datetime] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return "memory"

    @property
    def disk(self) -> None:
        return None

    def put(self, chunks: Iterable[bytes]) -> Stored:
        whole, key = b"".join(chunks), self.new_key()
        self.kept[key], self.put_at[key] = whole, self.clock()
        return Stored(key=key, size=len(whole), sha256=hashlib.sha256(whole).hexdigest())

    def put_back(self, key: str, chunks: Iterable[bytes], *, size: int) -> Stored:  # noqa: ARG002 - of the protocol
        whole = b"".join(chunks)
        self.kept[key], self.put_at[key] = whole, self.clock()
        return Stored(key=key, size=len(whole), sha256=hashlib.sha256(whole).hexdigest())

    def put_file(self, path: Path, *, own_names: int = 1) -> Stored:  # noqa: ARG002 - of the protocol
        return self.put([path.read_bytes()])

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self._get(key))

    def stream(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        whole = self._get(key)
        for begin in range(start, len(whole), _BLOCK_BYTES):
            yield whole[begin : begin + _BLOCK_BYTES]

    def materialize(self, key: str, target: Path) -> None:
        target.write_bytes(self._get(key))

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)
        self.put_at.pop(key, None)

    def keys(self, *, older_than_seconds: float) -> Iterator[str]:
        for key in list(self.kept):
            if key in self.put_at and (self.clock() - self.put_at[key]).total_seconds() >= older_than_seconds:
                yield key

    def size(self, key: str) -> int:
        return len(self.kept.get(key, b""))

    def discard_drafts(self, *, older_than_seconds: float) -> int:  # noqa: ARG002 - of the protocol
        return 0

    def _get(self, key: str) -> bytes:
        try:
            return self.kept[key]
        except KeyError:
            raise ContentMissing(key) from None

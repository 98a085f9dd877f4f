"""What committed chunks brought, appended in the order of the input: the output, and the rejected rows."""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path

from gristmill_runner.protocol import STAGED

OUTPUT, REJECTED = "output", "rejected.jsonl"
_PIECE_BYTES = 2**20


class StagedFile:
    """A file that grows at its end, and whose beginning can be checked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.end = 0

    def append(self, content: bytes) -> None:
        """Append bytes."""
        while content:
            written = os.pwrite(self._descriptor, content, self.end)
            self.end += written
            content = content[written:]

    def append_file(self, path: Path, size: int, *, start: int = 0) -> None:
        """Append a part of a file, without having it pass through this process where the kernel can."""
        if not size:
            return
        part = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.lseek(part, start, os.SEEK_SET)
            stop = self.end + size
            while self.end < stop:
                if not self._moved(part, stop - self.end):
                    raise OSError(f"{path} is shorter than its {size} bytes")
        finally:
            os.close(part)

    def matches(self, *, size: int, checksum: int) -> bool:
        """Tell whether the next bytes are those of a checksum; then they are kept."""
        found, at, stop = 0, self.end, self.end + size
        while at < stop:
            piece = os.pread(self._descriptor, min(_PIECE_BYTES, stop - at), at)
            if not piece:
                return False
            found, at = zlib.crc32(piece, found), at + len(piece)
        if found != checksum:
            return False
        self.end = stop
        return True

    def cut(self) -> None:
        """Cut off what lies behind the end."""
        os.ftruncate(self._descriptor, self.end)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _moved(self, part: int, most: int) -> int:
        if hasattr(os, "copy_file_range"):
            with contextlib.suppress(OSError):  # not between these file systems, or not on this kernel
                moved = os.copy_file_range(part, self._descriptor, most, offset_dst=self.end)
                self.end += moved
                return moved
        piece = os.read(part, min(most, _PIECE_BYTES))
        self.append(piece)
        return len(piece)


def staged_files(directory: Path) -> tuple[StagedFile, StagedFile]:
    """Return the staged output and the rejected rows of a run directory; both are made where they are missing."""
    return StagedFile(directory / STAGED / OUTPUT), StagedFile(directory / STAGED / REJECTED)

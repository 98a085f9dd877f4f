"""The directory at the end of a zip: read as a whole by every reader, so its size is looked at first."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from gristmill.domain.archive import too_large

_ENTRY = b"PK\x01\x02"
_MOST_ENTRY_BYTES = 400
"""More than an entry of a directory has on the average: 46 bytes, a path, and times."""
# APPNOTE.TXT of PKWARE, 4.3.16, 4.3.15 and 4.3.14.
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LONGEST_COMMENT = 65_535


@contextmanager
def opened_zip(stream: BinaryIO, *, most_files: int) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose directory is not longer than that of so many files.

    Raises:
        Invalid: it is; nothing of it was read into memory.
        BadZipFile: it is no zip.

    """
    for start, size in _directories(stream):
        if size > most_files * _MOST_ENTRY_BYTES:
            raise too_large(f"The archive has more than {most_files} files.")
        stream.seek(max(0, start))
        if stream.read(size).count(_ENTRY) > most_files:
            raise too_large(f"The archive has more than {most_files} files.")
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive:
        yield archive


def _directories(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield start and size of whatever a reader may take for the directory: a liar shows different ones to each."""
    length = stream.seek(0, io.SEEK_END)
    tail_at = max(0, length - _LONGEST_COMMENT - _END.size - _LOCATOR.size - _END_64.size)
    stream.seek(tail_at)
    tail = stream.read()
    for at in {tail.rfind(b"PK\x05\x06"), len(tail) - _END.size}:
        if at < 0 or tail[at : at + 4] != b"PK\x05\x06" or at + _END.size > len(tail):
            continue
        size = _END.unpack_from(tail, at)[5]
        yield tail_at + at - size, size
        at_64 = at - _LOCATOR.size - _END_64.size
        if at_64 >= 0 and tail[at_64 : at_64 + 4] == b"PK\x06\x06":
            size = _END_64.unpack_from(tail, at_64)[8]
            yield tail_at + at_64 - size, size
